"""Forty questions about the standard library with their right answers, and six that it does not answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """A question and the ids of the documents that answer it; none if no document does."""

    text: str
    answers: tuple[str, ...] = ()


STDLIB_QUESTIONS = (
    DemoQuestion("make a temporary directory that deletes itself", ("tempfile.TemporaryDirectory",)),
    DemoQuestion("run a function when the program exits", ("atexit.register", "atexit")),
    DemoQuestion("wait for several coroutines at once", ("asyncio.gather", "asyncio.wait")),
    DemoQuestion(
        "read a value from an ini file",
        ("configparser", "configparser.ConfigParser", "configparser.RawConfigParser.get"),
    ),
    DemoQuestion(
        "find the most common items in a list",
        ("collections.Counter.most_common", "collections.Counter", "statistics.multimode"),
    ),
    DemoQuestion(
        "compare two texts line by line",
        ("difflib.Differ", "difflib.Differ.compare", "difflib.ndiff", "difflib.unified_diff", "difflib"),
    ),
    DemoQuestion("copy a whole folder tree", ("shutil.copytree",)),
    DemoQuestion("cache the results of a function", ("functools.lru_cache", "functools.cache")),
    DemoQuestion("how do I get the last part of a path without its extension", ("pathlib.PurePath.stem",)),
    DemoQuestion(
        "stop a loop from waiting forever: give a coroutine a time limit", ("asyncio.wait_for", "asyncio.timeout")
    ),
    DemoQuestion("which program would run if I typed this command in the shell", ("shutil.which",)),
    DemoQuestion("split a command line into arguments the way a shell does", ("shlex.split", "shlex")),
    DemoQuestion(
        "insert an element into a sorted list so that it stays sorted",
        ("bisect.insort_right", "bisect.insort", "bisect.insort_left", "bisect"),
    ),
    DemoQuestion("remove leading whitespace that all lines share", ("textwrap.dedent",)),
    DemoQuestion(
        "generate a password reset token that nobody can guess",
        ("secrets.token_urlsafe", "secrets.token_hex", "secrets", "secrets.token_bytes"),
    ),
    DemoQuestion(
        "turn an object into JSON text",
        ("json.dumps", "json.dump", "json.JSONEncoder", "json.JSONEncoder.encode", "json"),
    ),
    DemoQuestion(
        "get the middle value of a data set", ("statistics.median", "statistics.median_low", "statistics.median_high")
    ),
    DemoQuestion("ignore an exception on purpose", ("contextlib.suppress",)),
    DemoQuestion("iterate over two lists in parallel", ("builtins.zip", "itertools.zip_longest")),
    DemoQuestion(
        "list all files that match a wildcard, in subfolders too",
        ("glob.glob", "pathlib.Path.rglob", "glob.iglob", "pathlib.Path.glob"),
    ),
    DemoQuestion("how much free space is left on the disk", ("shutil.disk_usage",)),
    DemoQuestion("escape characters like < and & so that text can be put into a web page", ("html.escape",)),
    DemoQuestion(
        "run code in a pool of worker processes",
        (
            "concurrent.futures.ProcessPoolExecutor",
            "multiprocessing.Pool",
            "concurrent.futures.process.ProcessPoolExecutor",
            "multiprocessing.pool.Pool",
        ),
    ),
    DemoQuestion("how many days does a month have", ("calendar.monthrange",)),
    DemoQuestion(
        "check that two floating point numbers are nearly equal",
        ("math.isclose", "cmath.isclose", "unittest.TestCase.assertAlmostEqual"),
    ),
    DemoQuestion(
        "run another program and collect what it prints",
        (
            "subprocess.check_output",
            "subprocess.run",
            "subprocess.getoutput",
            "subprocess.getstatusoutput",
            "subprocess",
        ),
    ),
    DemoQuestion("combine elements cumulatively into a single value", ("functools.reduce",)),
    DemoQuestion("give a new class automatic init and comparison methods", ("dataclasses.dataclass", "dataclasses")),
    DemoQuestion("ask for a password without showing it on the screen", ("getpass.getpass", "getpass")),
    DemoQuestion("find words that look similar to a misspelled one", ("difflib.get_close_matches",)),
    DemoQuestion(
        "encode query parameters for a URL", ("urllib.parse.urlencode", "urllib.parse.quote_plus", "urllib.parse.quote")
    ),
    DemoQuestion("pick several different items at random", ("random.Random.sample", "random.sample")),
    DemoQuestion(
        "how much time has passed, measured with a clock that never goes backwards",
        ("time.monotonic", "time.monotonic_ns"),
    ),
    DemoQuestion(
        "keep a reference to an object without keeping it alive",
        ("weakref.ref", "weakref", "weakref.WeakValueDictionary", "weakref.proxy"),
    ),
    DemoQuestion(
        "write rows of dictionaries to a spreadsheet file",
        ("csv.DictWriter", "csv.DictWriter.writerows", "csv.DictWriter.writerow", "csv"),
    ),
    DemoQuestion("merge several dictionaries into one view", ("collections.ChainMap",)),
    DemoQuestion("make a file executable", ("os.chmod", "pathlib.Path.chmod")),
    DemoQuestion("let other coroutines run for a while before continuing", ("asyncio.sleep",)),
    DemoQuestion(
        "send a log message for an error together with the traceback", ("logging.exception", "logging.Logger.exception")
    ),
    DemoQuestion("all possible orderings of a list", ("itertools.permutations",)),
)
"""None was left out for its result."""

UNANSWERED = (
    DemoQuestion("train a neural network on a GPU"),
    DemoQuestion("who is the prime minister of Canada"),
    DemoQuestion("best pizza in Naples"),
    DemoQuestion("parse a YAML document"),
    DemoQuestion("how long to boil an egg"),
    DemoQuestion("resize a JPEG picture"),
)
