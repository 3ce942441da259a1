# Runs as process 1 of new namespaces: <user id to become, or empty> <wall seconds> <MiB> <folder of python> <command...>
# When it ends, so does everything that it started.
# The new root is a file system in memory, of so many MiB, with the system's programs bound read-only. There is no /proc.
set -eu
umask 022
user=$1 wall=$2 size=$3 python=$4
shift 4
mount -t tmpfs -o "size=${size}m,nr_inodes=4096,mode=0755,nosuid,nodev" sandbox /tmp
cd /tmp
mkdir dev dev/shm etc old tmp
chmod 1777 tmp dev/shm
show() {
  if [ -L "$1" ]; then
    ln -s "$(readlink "$1")" ".$1"
  elif [ -d "$1" ]; then
    mkdir -p ".$1"
    mount --rbind "$1" ".$1"
    mount -o remount,bind,ro,nosuid,nodev ".$1"
  fi
}
for path in /usr /bin /lib /lib64; do
  show "$path"
done
case $python in
  /usr | /usr/*) ;;
  *) show "$python" ;;
esac
for path in null zero random urandom; do
  : > "dev/$path"
  mount --bind "/dev/$path" "dev/$path"
done
if [ -e /etc/ld.so.cache ]; then
  cat /etc/ld.so.cache > etc/ld.so.cache
fi
if [ -z "$user" ]; then    # in a user namespace: none inside this one, where that can be forbidden
  (echo 0 > /proc/sys/user/max_user_namespaces) 2> /dev/null || :
fi
pivot_root . old
cd /
ln -s old/proc proc    # umount looks for it
umount -n -l /old
rm proc
rmdir old
cd /tmp
become=
if [ -n "$user" ]; then
  become="--reuid $user --regid $user --clear-groups"
fi
timeout --signal=KILL "$wall" setpriv $become --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
