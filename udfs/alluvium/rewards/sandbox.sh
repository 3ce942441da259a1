# Starts a program that nobody trusts: sh -c <this> sandbox <isolation> <inside.sh> <folder> <wall seconds> <MiB>
# <folder of python> <command...>. The isolation is a name of the enum Isolation; the folder is used by other-user alone.
# As root every sandbox has a user id of its own, above those that people and containers are given: 0x60000000 + its
# process id. What follows dies with the thread that started it where the kernel keeps that wish, and is killed after its
# wall time in any case.
set -eu
isolation=$1 inside=$2 folder=$3
shift 3
own=$((0x60000000 + $$))
apart='--mount --net --pid --ipc --uts --fork --kill-child'
case $isolation in
  user-namespaces)
    exec setpriv --pdeathsig KILL unshare --user --map-root-user $apart sh -c "$inside" sandbox '' "$@" ;;
  user-namespaces-of-root)
    exec setpriv --pdeathsig KILL --reuid $own --regid $own --clear-groups \
      unshare --user --map-root-user $apart sh -c "$inside" sandbox '' "$@" ;;
  root-namespaces)
    exec setpriv --pdeathsig KILL unshare $apart sh -c "$inside" sandbox "$own" "$@" ;;
  other-user)
    wall=$1
    shift 3
    chown "$own:$own" "$folder"
    cd "$folder"
    umask 077
    exec setpriv --pdeathsig KILL --reuid $own --regid $own --clear-groups --no-new-privs --bounding-set=-all \
      --inh-caps=-all timeout --signal=KILL "$wall" "$@" ;;
esac
