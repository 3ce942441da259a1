"""The interpreter that holds what is tested. It gets the source first, then requests, and never sees the tests."""


def program():
    import types

    module = types.ModuleType('solution')

    def load():
        sys.modules['solution'] = module
        exec(compile(peer.text, 'program.py', 'exec'), module.__dict__)

    def names(wanted):
        """What the program calls by these names: a module of its own name, an exception with its base, or a value."""
        found = []
        for name in wanted:
            if name not in module.__dict__:
                continue
            value = module.__dict__[name]
            if isinstance(value, types.ModuleType):
                found.append([name, 'module', None])
            elif isinstance(value, type) and issubclass(value, Exception):
                base = next(t.__name__ for t in value.__mro__ if t.__module__ == 'builtins')
                found.append([name, 'exception', base])
            else:
                found.append([name, 'value', value])
        return found

    def attribute(target, name):
        return getattr(module if target is None else target, name)

    def operate(target, name, *values):
        method = getattr(type(target), name, None)
        if method is None:
            raise TypeError('%s has no %s' % (type(target).__name__, name))
        return method(target, *values)

    def run(text):
        """The program as a script of its own process, with a standard input: its exit status and what it printed."""
        import tempfile
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
            given.write(text.encode())
            given.seek(0)
            child = os.fork()
            if not child:
                status = 1
                try:
                    os.dup2(given.fileno(), 0)
                    os.dup2(printed.fileno(), 1)
                    peer.source.close()
                    peer.sink.close()
                    try:
                        exec(compile(peer.text, 'program.py', 'exec'), {'__name__': '__main__'})
                        status = 0
                    except SystemExit as e:
                        status = e.code if type(e.code) is int else int(e.code is not None)
                    except BaseException as e:
                        sys.stderr.write('%s: %s\n' % (type(e).__name__, e))
                    sys.stdout.flush()
                finally:
                    os._exit(status & 255)
            status = os.waitpid(child, 0)[1]
            printed.seek(0)
            return status, printed.read().decode('utf-8', 'replace')

    peer = Peer({'load': load, 'names': names, 'get': attribute, 'set': setattr, 'operate': operate, 'run': run,
                 'isinstance': isinstance}, home='solution')
    peer.handlers['call'] = peer.called
    peer.text = json.loads(peer.source.readline())['source']
    if 'random' in peer.text:    # the same program, the same verdict
        import random
        random.seed(0)
    try:
        while True:
            peer.serve(peer.receive())
    finally:
        os._exit(0)


program()
