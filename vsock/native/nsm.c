/* /dev/nsm: one ioctl that carries a CBOR request and its CBOR response (linux, drivers/misc/nsm.c). */
#include "addon.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <uv.h>

#define REQUEST_BYTES 0x1000
/* A longer response is cut without a word, so the buffer is always as long as the longest. */
#define RESPONSE_BYTES 0x3000

struct span {
  uint64_t address;
  uint64_t length;
};
struct message {
  struct span request;
  struct span response;
};
#define NSM_RAW _IOWR(0x0A, 0, struct message)
_Static_assert(NSM_RAW == 0xC0200A00, "the number that the driver knows");

typedef struct {
  napi_async_work work;
  napi_deferred deferred;
  int fd;
  int failure;
  size_t request_length;
  size_t response_length;
  uint8_t request[REQUEST_BYTES];
  uint8_t response[RESPONSE_BYTES];
} exchange;

/* On the thread pool: the hypervisor may take up to 120 s. */
static void execute(napi_env env, void *data) {
  (void)env;
  exchange *x = data;
  struct message message = {
      .request = {(uintptr_t)x->request, x->request_length},
      .response = {(uintptr_t)x->response, RESPONSE_BYTES},
  };
  if (ioctl(x->fd, NSM_RAW, &message) < 0) x->failure = -errno;
  else if (message.response.length > RESPONSE_BYTES) x->failure = UV_EMSGSIZE;
  else x->response_length = message.response.length;
}

static void complete(napi_env env, napi_status status, void *data) {
  exchange *x = data;
  napi_value result = NULL;
  if (status != napi_ok) x->failure = UV_ECANCELED;
  if (x->failure < 0) result = number(env, x->failure);
  else napi_create_buffer_copy(env, x->response_length, x->response, NULL, &result);
  napi_resolve_deferred(env, x->deferred, result);
  napi_delete_async_work(env, x->work);
  explicit_bzero(x, sizeof *x); /* it may have carried randomness */
  free(x);
}

/* (descriptor, request): a promise of the response, or of an error. */
napi_value nsm_request(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t given = 2;
  int32_t fd;
  void *request;
  size_t length;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, arguments[0], &fd) != napi_ok ||
      napi_get_buffer_info(env, arguments[1], &request, &length) != napi_ok)
    return number(env, UV_EINVAL);
  if (length > REQUEST_BYTES) return number(env, UV_EMSGSIZE);

  exchange *x = calloc(1, sizeof *x);
  if (x == NULL) return number(env, UV_ENOMEM);
  x->fd = fd;
  x->request_length = length;
  if (length > 0) memcpy(x->request, request, length);
  napi_value promise, name;
  if (napi_create_string_utf8(env, "nsm", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, execute, complete, x, &x->work) != napi_ok) {
    free(x);
    return number(env, UV_ENOMEM);
  }
  if (napi_create_promise(env, &x->deferred, &promise) != napi_ok || napi_queue_async_work(env, x->work) != napi_ok) {
    napi_delete_async_work(env, x->work);
    free(x);
    return number(env, UV_ENOMEM);
  }
  return promise;
}
