import { defined } from '../json.ts'
import type { Argument, Field, FieldType } from './fields.ts'

/** Fields of one kind, by name. */
interface Names {
  readonly type: FieldType
  readonly list?: true
  readonly argument?: Argument
  readonly prefix?: string
  readonly names: string
}

const CHECKED_ONLY = 'checked only'
const KEY = { kind: 'key', required: true } as const
const MAYBE_KEY = { kind: 'key', required: false } as const
const MAYBE_INDEX = { kind: 'index', required: false } as const

/** The plugin `k8saudit`. Its names and types alone: no such events come here, so there is nothing to read. */
const K8S: readonly Names[] = [
  {
    type: 'text',
    prefix: 'ka.',
    names: `
    auditid stage auth.decision auth.reason auth.openshift.decision validations.admission.policy.failure
    security.pod.violations auth.openshift.username user.name impuser.name verb uri target.name target.namespace
    target.resource target.subresource target.pod.name req.binding.role req.configmap.name req.configmap.obj
    req.container.image req.container.image.repository req.pod.host_ipc req.pod.host_network
    req.container.host_network req.pod.host_pid req.container.privileged req.pod.run_as_user req.pod.run_as_group
    req.pod.fs_group req.service.type resp.name response.code response.reason useragent cluster.name`,
  },
  {
    type: 'text',
    argument: KEY,
    prefix: 'ka.',
    names: `
    uri.param req.binding.subject.has_name req.volume.hostpath`,
  },
  {
    type: 'text',
    list: true,
    prefix: 'ka.',
    names: `
    user.groups req.binding.subjects req.binding.subjects.user_names req.binding.subjects.serviceaccount_names
    req.binding.subjects.serviceaccount_ns_names req.binding.subjects.group_names req.role.rules
    req.pod.supplemental_groups`,
  },
  {
    type: 'text',
    list: true,
    argument: MAYBE_INDEX,
    prefix: 'ka.',
    names: `
    req.pod.containers.args req.pod.containers.command req.pod.containers.name req.pod.containers.image
    req.pod.containers.image.repository req.pod.containers.host_port req.pod.containers.privileged
    req.pod.containers.allow_privilege_escalation req.pod.containers.read_only_fs req.pod.containers.run_as_user
    req.pod.containers.eff_run_as_user req.pod.containers.run_as_group req.pod.containers.eff_run_as_group
    req.pod.containers.proc_mount req.role.rules.apiGroups req.role.rules.nonResourceURLs req.role.rules.verbs
    req.role.rules.resources req.pod.containers.add_capabilities req.service.ports req.pod.volumes.hostpath
    req.pod.volumes.flexvolume_driver req.pod.volumes.volume_type sourceips
    req.pod.ephemeralContainers.add_capabilities req.pod.ephemeralContainers.allow_privilege_escalation
    req.pod.ephemeralContainers.args req.pod.ephemeralContainers.command
    req.pod.ephemeralContainers.eff_run_as_group req.pod.ephemeralContainers.eff_run_as_user
    req.pod.ephemeralContainers.image req.pod.ephemeralContainers.image.repository req.pod.ephemeralContainers.name
    req.pod.ephemeralContainers.privileged req.pod.ephemeralContainers.proc_mount
    req.pod.ephemeralContainers.read_only_fs req.pod.ephemeralContainers.run_as_group
    req.pod.ephemeralContainers.run_as_user req.pod.initContainers.add_capabilities
    req.pod.initContainers.allow_privilege_escalation req.pod.initContainers.args req.pod.initContainers.command
    req.pod.initContainers.eff_run_as_group req.pod.initContainers.eff_run_as_user req.pod.initContainers.host_port
    req.pod.initContainers.image req.pod.initContainers.image.repository req.pod.initContainers.name
    req.pod.initContainers.privileged req.pod.initContainers.proc_mount req.pod.initContainers.read_only_fs
    req.pod.initContainers.run_as_group req.pod.initContainers.run_as_user`,
  },
]

/** Falco's own source of system calls, with what its container plugin adds. Names and types alone, for the same reason. */
const SYSCALL: readonly Names[] = [
  {
    type: 'text',
    names: `
    evt.latency.human evt.outputtime evt.dir evt.type syscall.type evt.category evt.args evt.info evt.res evt.io_dir
    fd.type fd.typechar fd.name fd.directory fd.filename fd.l4proto fd.sockfamily fd.uid fd.containername
    fd.containerdirectory fd.cproto fd.sproto fd.lproto fd.rproto fd.cip.name fd.sip.name fd.lip.name fd.rip.name
    fd.nameraw proc.exe proc.pexe proc.exepath proc.pexepath proc.name proc.pname proc.cmdline proc.pcmdline
    proc.exeline proc.cwd proc.sname proc.sid.exe proc.sid.exepath proc.vpgid.name proc.vpgid.exe proc.vpgid.exepath
    proc.pgid.name proc.pgid.exe proc.pgid.exepath thread.cap_permitted thread.cap_inheritable thread.cap_effective
    thread.cgroups proc.stdin.type proc.stdout.type proc.stderr.type proc.stdin.name proc.stdout.name
    proc.stderr.name user.name user.homedir user.shell user.loginname group.name fs.path.name fs.path.nameraw
    fs.path.source fs.path.sourceraw fs.path.target fs.path.targetraw fdlist.nums fdlist.names fdlist.cips
    fdlist.sips fdlist.cports fdlist.sports evt.asynctype evt.hostname container.id container.full_id container.name
    container.image container.image.id container.type container.mounts container.image.repository
    container.image.tag container.image.digest container.healthcheck container.liveness_probe
    container.readiness_probe container.ip container.cni.json container.labels container.info k8s.pod.name
    k8s.ns.name k8s.pod.id k8s.pod.uid k8s.pod.sandbox_id k8s.pod.full_sandbox_id k8s.pod.labels k8s.pod.ip
    k8s.pod.cni.json k8s.rc.name k8s.rc.id k8s.rc.labels k8s.svc.name k8s.svc.id k8s.svc.labels k8s.ns.id
    k8s.ns.labels k8s.rs.name k8s.rs.id k8s.rs.labels k8s.deployment.name k8s.deployment.id k8s.deployment.labels`,
  },
  {
    type: 'number',
    names: `
    evt.latency evt.latency.s evt.latency.ns evt.deltatime evt.deltatime.s evt.deltatime.ns evt.cpu evt.buflen
    evt.rawres evt.wait_latency evt.count evt.count.error evt.count.error.file evt.count.error.net
    evt.count.error.memory evt.count.error.other evt.count.exit fd.num fd.dev fd.dev.major fd.dev.minor fd.ino
    proc.cmdnargs proc.cmdlenargs proc.loginshellid proc.tty proc.pid proc.ppid proc.vpid proc.pvpid proc.sid
    proc.vpgid proc.pgid proc.duration proc.ppid.duration proc.pid.ts proc.ppid.ts proc.exe_ino proc.exe_ino.ctime
    proc.exe_ino.mtime proc.exe_ino.ctime_duration_proc_start proc.exe_ino.ctime_duration_pidns_start
    proc.pidns_init_start_ts proc.fdopencount proc.fdlimit proc.fdusage proc.vmsize proc.vmrss proc.vmswap
    thread.pfmajor thread.pfminor thread.tid thread.vtid thread.exectime thread.totexectime proc.nthreads
    proc.nchilds thread.cpu thread.cpu.user thread.cpu.system thread.vmsize thread.vmrss user.uid user.loginuid
    group.gid evt.reltime evt.reltime.s evt.reltime.ns fd.port fd.cport fd.sport fd.lport fd.rport fd.proto
    container.start_ts container.duration`,
  },
  {
    type: 'flag',
    names: `
    evt.failed evt.is_io evt.is_io_read evt.is_io_write evt.is_wait evt.is_syslog evt.is_open_read evt.is_open_write
    evt.is_open_exec evt.is_open_create fd.is_server fd.connected fd.name_changed fd.is_upper_layer
    fd.is_lower_layer proc.is_exe_writable proc.is_exe_upper_layer proc.is_exe_lower_layer proc.is_exe_from_memfd
    proc.is_sid_leader proc.is_vpgid_leader proc.is_pgid_leader thread.ismain container.privileged
    container.host_pid container.host_network container.host_ipc proc.is_container_healthcheck
    proc.is_container_liveness_probe proc.is_container_readiness_probe`,
  },
  {
    type: 'address',
    names: `
    fd.ip fd.cip fd.sip fd.lip fd.rip`,
  },
  {
    type: 'network',
    names: `
    fd.net fd.cnet fd.snet fd.lnet fd.rnet`,
  },
  {
    type: 'bytes',
    names: `
    evt.buffer`,
  },
  {
    type: 'text',
    argument: KEY,
    names: `
    evt.arg evt.rawarg evt.abspath thread.cgroup container.mount container.mount.source container.mount.dest
    container.mount.mode container.mount.rdwr container.mount.propagation container.label k8s.pod.label k8s.rc.label
    k8s.svc.label k8s.ns.label k8s.rs.label k8s.deployment.label`,
  },
  {
    type: 'number',
    argument: KEY,
    names: `
    evt.type.is`,
  },
  {
    type: 'text',
    argument: MAYBE_KEY,
    names: `
    proc.aexe proc.aexepath proc.aname proc.args proc.aargs proc.acmdline proc.env proc.aenv`,
  },
  {
    type: 'number',
    argument: MAYBE_KEY,
    names: `
    proc.apid`,
  },
  {
    type: 'text',
    list: true,
    argument: MAYBE_KEY,
    names: `
    fd.types`,
  },
]

const fieldsOf = (kinds: readonly Names[]): readonly Field[] =>
  kinds.flatMap(({ names, prefix = '', type, list, argument }) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) =>
        defined<Field>({ name: prefix + name, type, list, argument, from: CHECKED_ONLY, read: () => undefined }),
      ),
  )

export const K8S_FIELDS = fieldsOf(K8S)
export const SYSCALL_FIELDS = fieldsOf(SYSCALL)

/** A system call's arguments may also be named behind a dot: `evt.arg.flags`. */
const ARGUMENTS = /^evt\.(?:raw)?arg\.[a-zA-Z]\w*$/

export const syscallArgument = (name: string): Field | undefined =>
  ARGUMENTS.test(name) ? { name, type: 'text', from: CHECKED_ONLY, read: () => undefined } : undefined
