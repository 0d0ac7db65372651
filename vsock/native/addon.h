#ifndef DRIFTSEAL_ADDON_H
#define DRIFTSEAL_ADDON_H

#define NAPI_VERSION 9
#include <node_api.h>

/* socket.c */
napi_value socket_connect(napi_env, napi_callback_info);
napi_value socket_listen(napi_env, napi_callback_info);
napi_value socket_accept(napi_env, napi_callback_info);
napi_value socket_attach(napi_env, napi_callback_info);
napi_value socket_watch(napi_env, napi_callback_info);
napi_value socket_read(napi_env, napi_callback_info);
napi_value socket_write(napi_env, napi_callback_info);
napi_value socket_shutdown(napi_env, napi_callback_info);
napi_value socket_error(napi_env, napi_callback_info);
napi_value socket_peer_cid(napi_env, napi_callback_info);
napi_value socket_keep_alive(napi_env, napi_callback_info);
napi_value socket_close(napi_env, napi_callback_info);

/* nsm.c */
napi_value nsm_request(napi_env, napi_callback_info);

/* entropy.c */
napi_value entropy_add(napi_env, napi_callback_info);

/* A result, or an error as libuv has it: the negated errno. */
static inline napi_value number(napi_env env, int64_t value) {
  napi_value result = NULL;
  napi_create_int64(env, value, &result);
  return result;
}

#endif
