/* What Node lacks: AF_VSOCK, the ioctl of /dev/nsm, the kernel's entropy pool. ../native.ts has the types. */
#include "addon.h"

NAPI_MODULE_INIT() {
#define METHOD(name, function) {name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL}
  const napi_property_descriptor methods[] = {
      METHOD("connect", socket_connect),
      METHOD("listen", socket_listen),
      METHOD("accept", socket_accept),
      METHOD("attach", socket_attach),
      METHOD("watch", socket_watch),
      METHOD("read", socket_read),
      METHOD("write", socket_write),
      METHOD("shutdown", socket_shutdown),
      METHOD("error", socket_error),
      METHOD("peerCid", socket_peer_cid),
      METHOD("keepAlive", socket_keep_alive),
      METHOD("close", socket_close),
      METHOD("nsm", nsm_request),
      METHOD("addEntropy", entropy_add),
  };
  napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods);
  return exports;
}
