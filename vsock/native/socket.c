/*
 * Stream sockets of a family that node:net cannot open. Each function is one system call that never blocks; a uv_poll_t
 * says when the next is worth making. Whatever has a state (buffers, half-close, time limits) is TypeScript:
 * ../connection.ts and ../listener.ts. Nothing keeps a pointer into JavaScript's memory beyond the call.
 */
#include "addon.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>
#include <linux/vm_sockets.h>

/* One read. Frames over 64 KiB are slow on vsock, and this is what node:net reads at once too. */
#define READ_BYTES 65536

typedef struct {
  uv_poll_t poll;
  int fd;      /* -1 once closed, so that no later call can reach whoever has the number next */
  int watched; /* what uv_poll_start was last told */
  int holders; /* the JavaScript value and the event loop: the last to let go frees */
  napi_env env;
  napi_ref callback;
  napi_async_cleanup_hook_handle hook;
} endpoint;

typedef union {
  struct sockaddr any;
  struct sockaddr_vm vm;
  struct sockaddr_un un;
} address;

static void let_go(endpoint *e) {
  if (--e->holders == 0) free(e);
}

static void on_closed(uv_handle_t *handle) {
  endpoint *e = handle->data;
  napi_async_cleanup_hook_handle hook = e->hook;
  if (e->callback != NULL) napi_delete_reference(e->env, e->callback);
  let_go(e);
  if (hook != NULL) napi_remove_async_cleanup_hook(hook);
}

static void close_endpoint(endpoint *e) {
  if (e->fd < 0) return;
  const int fd = e->fd;
  e->fd = -1;
  uv_close((uv_handle_t *)&e->poll, on_closed); /* the loop forgets the descriptor here, so it may be closed next */
  close(fd);
}

/* The environment ends (a worker's exit) with the endpoint open. Node waits until on_closed takes the hook back. */
static void on_exit_of(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_endpoint(data);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  close_endpoint(data);
  let_go(data);
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  endpoint *e = poll->data;
  if (e->callback == NULL) return;
  if (status < 0) { /* an error waits on the socket; libuv has stopped watching. The next call will fetch it. */
    e->watched = 0;
    events = UV_READABLE | UV_WRITABLE;
  }
  napi_env env = e->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value global, callback, error;
  napi_value argument = number(env, events);
  if (napi_get_global(env, &global) == napi_ok &&
      napi_get_reference_value(env, e->callback, &callback) == napi_ok &&
      napi_make_callback(env, NULL, global, callback, 1, &argument, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok)
    napi_fatal_exception(env, error);
  napi_close_handle_scope(env, scope);
}

/* Takes the descriptor over, whatever comes of it. */
static napi_value adopt(napi_env env, int fd) {
  endpoint *e = calloc(1, sizeof *e);
  uv_loop_t *loop;
  int failure = UV_ENOMEM;
  if (e == NULL || napi_get_uv_event_loop(env, &loop) != napi_ok || (failure = uv_poll_init(loop, &e->poll, fd)) < 0) {
    free(e);
    close(fd);
    return number(env, failure);
  }
  e->poll.data = e;
  e->fd = fd;
  e->env = env;
  e->holders = 1;
  napi_value external;
  if (napi_add_async_cleanup_hook(env, on_exit_of, e, &e->hook) != napi_ok ||
      napi_create_external(env, e, on_collected, NULL, &external) != napi_ok) {
    close_endpoint(e);
    return number(env, UV_ENOMEM);
  }
  e->holders = 2;
  return external;
}

/* The endpoint in the first argument, if it is open. `rest` takes the arguments after it. */
static endpoint *unpack(napi_env env, napi_callback_info info, size_t count, napi_value *rest) {
  napi_value arguments[3];
  size_t given = count + 1;
  endpoint *e = NULL;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok || given != count + 1) return NULL;
  if (napi_get_value_external(env, arguments[0], (void **)&e) != napi_ok || e->fd < 0) return NULL;
  for (size_t i = 0; i < count; i++) rest[i] = arguments[i + 1];
  return e;
}

/* One text is the path of a unix socket, two numbers are a CID and a port. 0 is neither. */
static socklen_t parse_address(napi_env env, napi_callback_info info, address *to) {
  napi_value arguments[2];
  size_t given = 2;
  size_t length;
  *to = (address){0};
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok) return 0;
  if (given == 1) {
    to->un.sun_family = AF_UNIX;
    if (napi_get_value_string_utf8(env, arguments[0], NULL, 0, &length) != napi_ok) return 0;
    if (length == 0 || length >= sizeof to->un.sun_path) return 0;
    napi_get_value_string_utf8(env, arguments[0], to->un.sun_path, sizeof to->un.sun_path, &length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
  }
  to->vm.svm_family = AF_VSOCK;
  if (napi_get_value_uint32(env, arguments[0], &to->vm.svm_cid) != napi_ok) return 0;
  if (napi_get_value_uint32(env, arguments[1], &to->vm.svm_port) != napi_ok) return 0;
  return sizeof to->vm;
}

static napi_value fail(napi_env env, int fd) {
  const int failure = -errno;
  if (fd >= 0) close(fd);
  return number(env, failure);
}

static int open_socket(const address *at) {
  return socket(at->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* (cid, port) or (path): connected once it is writable and `error` is 0. */
napi_value socket_connect(napi_env env, napi_callback_info info) {
  address to;
  const socklen_t length = parse_address(env, info, &to);
  if (length == 0) return number(env, UV_EINVAL);
  const int fd = open_socket(&to);
  if (fd < 0 || (connect(fd, &to.any, length) < 0 && errno != EINPROGRESS)) return fail(env, fd);
  return adopt(env, fd);
}

napi_value socket_listen(napi_env env, napi_callback_info info) {
  address at;
  const socklen_t length = parse_address(env, info, &at);
  if (length == 0) return number(env, UV_EINVAL);
  const int fd = open_socket(&at);
  /* The kernel lowers the backlog to its own limit. */
  if (fd < 0 || bind(fd, &at.any, length) < 0 || listen(fd, SOMAXCONN) < 0) return fail(env, fd);
  return adopt(env, fd);
}

napi_value socket_accept(napi_env env, napi_callback_info info) {
  const endpoint *e = unpack(env, info, 0, NULL);
  if (e == NULL) return number(env, UV_EBADF);
  const int fd = accept4(e->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? fail(env, fd) : adopt(env, fd);
}

/* (endpoint, callback): whom to tell that the socket is ready. From here to `close` it lives unreferred to. */
napi_value socket_attach(napi_env env, napi_callback_info info) {
  napi_value callback;
  endpoint *e = unpack(env, info, 1, &callback);
  if (e == NULL) return number(env, UV_EBADF);
  napi_ref reference;
  if (napi_create_reference(env, callback, 1, &reference) != napi_ok) return number(env, UV_EINVAL);
  if (e->callback != NULL) napi_delete_reference(env, e->callback);
  e->callback = reference;
  return number(env, 0);
}

/* (endpoint, UV_READABLE | UV_WRITABLE, or 0) */
napi_value socket_watch(napi_env env, napi_callback_info info) {
  napi_value value;
  endpoint *e = unpack(env, info, 1, &value);
  int events;
  if (e == NULL || napi_get_value_int32(env, value, &events) != napi_ok) return number(env, UV_EBADF);
  if (events == e->watched) return number(env, 0);
  e->watched = events;
  return number(env, events == 0 ? uv_poll_stop(&e->poll) : uv_poll_start(&e->poll, events, on_ready));
}

/* A Buffer, or 0 for the end. */
napi_value socket_read(napi_env env, napi_callback_info info) {
  static _Thread_local char slab[READ_BYTES];
  const endpoint *e = unpack(env, info, 0, NULL);
  if (e == NULL) return number(env, UV_EBADF);
  const ssize_t got = recv(e->fd, slab, sizeof slab, 0);
  if (got <= 0) return number(env, got < 0 ? -errno : 0);
  napi_value bytes = NULL;
  napi_create_buffer_copy(env, (size_t)got, slab, NULL, &bytes);
  return bytes;
}

/* (endpoint, bytes, offset): how many more of them the kernel took. */
napi_value socket_write(napi_env env, napi_callback_info info) {
  napi_value rest[2];
  const endpoint *e = unpack(env, info, 2, rest);
  const char *bytes;
  size_t length;
  int64_t offset;
  if (e == NULL) return number(env, UV_EBADF);
  if (napi_get_buffer_info(env, rest[0], (void **)&bytes, &length) != napi_ok ||
      napi_get_value_int64(env, rest[1], &offset) != napi_ok || offset < 0 || (size_t)offset > length)
    return number(env, UV_EINVAL);
  if (length == 0) return number(env, 0);
  const ssize_t sent = send(e->fd, bytes + offset, length - (size_t)offset, MSG_NOSIGNAL);
  return number(env, sent < 0 ? -errno : sent);
}

/* No more is sent; what the other side sends is read on. */
napi_value socket_shutdown(napi_env env, napi_callback_info info) {
  const endpoint *e = unpack(env, info, 0, NULL);
  if (e == NULL) return number(env, UV_EBADF);
  return number(env, shutdown(e->fd, SHUT_WR) < 0 ? -errno : 0);
}

napi_value socket_error(napi_env env, napi_callback_info info) {
  const endpoint *e = unpack(env, info, 0, NULL);
  int failure = 0;
  socklen_t length = sizeof failure;
  if (e == NULL) return number(env, UV_EBADF);
  if (getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &failure, &length) < 0) failure = errno;
  return number(env, -failure);
}

/* undefined where the family has no CIDs. */
napi_value socket_peer_cid(napi_env env, napi_callback_info info) {
  const endpoint *e = unpack(env, info, 0, NULL);
  address peer;
  socklen_t length = sizeof peer;
  if (e == NULL) return number(env, UV_EBADF);
  if (getpeername(e->fd, &peer.any, &length) < 0) return number(env, -errno);
  return peer.any.sa_family == AF_VSOCK ? number(env, peer.vm.svm_cid) : NULL;
}

/* (endpoint, boolean): whether the open socket keeps the process alive. */
napi_value socket_keep_alive(napi_env env, napi_callback_info info) {
  napi_value value;
  endpoint *e = unpack(env, info, 1, &value);
  bool wanted;
  if (e == NULL || napi_get_value_bool(env, value, &wanted) != napi_ok) return number(env, UV_EBADF);
  if (wanted) uv_ref((uv_handle_t *)&e->poll);
  else uv_unref((uv_handle_t *)&e->poll);
  return number(env, 0);
}

napi_value socket_close(napi_env env, napi_callback_info info) {
  endpoint *e = unpack(env, info, 0, NULL);
  if (e != NULL) close_endpoint(e);
  return NULL;
}
