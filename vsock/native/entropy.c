/* Randomness from the hypervisor into both generators that keys are drawn from: the kernel's, and OpenSSL's in Node. */
#include "addon.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <uv.h>
#include <linux/random.h>
#include <openssl/rand.h>

#define MOST_BYTES 512
#define BITS_PER_BYTE 8

/* (descriptor of /dev/random, bytes) */
napi_value entropy_add(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t given = 2;
  int32_t fd;
  void *bytes;
  size_t length;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok ||
      napi_get_value_int32(env, arguments[0], &fd) != napi_ok ||
      napi_get_buffer_info(env, arguments[1], &bytes, &length) != napi_ok || length == 0 || length > MOST_BYTES)
    return number(env, UV_EINVAL);

  union {
    struct rand_pool_info pool;
    uint8_t space[sizeof(struct rand_pool_info) + MOST_BYTES];
  } entropy = {.pool = {.entropy_count = (int)length * BITS_PER_BYTE, .buf_size = (int)length}};
  memcpy(entropy.space + sizeof entropy.pool, bytes, length);
  /* What is added waits in the pool, up to a minute, until the generator is seeded anew: so that is asked for too. */
  const int failed = ioctl(fd, RNDADDENTROPY, &entropy) < 0 || ioctl(fd, RNDRESEEDCRNG) < 0;
  const int failure = failed ? -errno : 0;
  explicit_bzero(&entropy, sizeof entropy);
  if (failed) return number(env, failure);
  /* OpenSSL was seeded when the process began. This seeds it from the kernel again, with these bytes besides. */
  RAND_add(bytes, (int)length, (double)length);
  return number(env, 0);
}
