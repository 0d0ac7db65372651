{
  "targets": [
    {
      "target_name": "vsock",
      "sources": ["addon.c", "socket.c", "nsm.c", "entropy.c"],
      "defines": ["_GNU_SOURCE"],
      "cflags_c": ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
    }
  ]
}
