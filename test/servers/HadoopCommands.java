/*
 * Commands of Hadoop's client, many in one process: starting Java takes longer than all that a test asks of it. A line of the input is a command, its
 * words in percent encoding and parted by blanks; a line of the output is the answer to one: the exit code, what was printed, and what was printed
 * as errors, encoded alike.
 *
 *   shell -fs webhdfs://host:port -ls /       as "hadoop fs" does
 *   call getStoragePolicy /path               a public method of FileSystem, found by its name and count of arguments; prints what it returns
 *   rename /from /to OVERWRITE                with options, which are a matter of webhdfs alone: FileContext makes a deletion and a rename of them
 */
import java.io.*;
import java.lang.reflect.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.*;
import org.apache.hadoop.fs.permission.*;
import org.apache.hadoop.hdfs.web.WebHdfsFileSystem;
import org.apache.hadoop.util.ToolRunner;

public class HadoopCommands {
  private static final Configuration conf = new Configuration();

  public static void main(String[] none) throws IOException {
    PrintStream answers = System.out;
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    answers.println("ready");
    for (String line; (line = lines.readLine()) != null; ) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      ByteArrayOutputStream err = new ByteArrayOutputStream();
      PrintStream errors = System.err;
      System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
      int code = run(Arrays.stream(line.split(" ")).map(HadoopCommands::decode).toArray(String[]::new));
      System.setOut(answers);
      System.setErr(errors);
      answers.println(code + " " + encode(out) + " " + encode(err));
    }
  }

  private static int run(String[] words) {
    String[] rest = Arrays.copyOfRange(words, 1, words.length);
    try {
      switch (words[0]) {
        case "shell":
          return ToolRunner.run(new FsShell(new Configuration(conf)), rest);
        case "call":
          show(call(rest[0], Arrays.copyOfRange(rest, 1, rest.length)));
          return 0;
        case "rename":
          Options.Rename[] options = Arrays.stream(rest).skip(2).map(Options.Rename::valueOf).toArray(Options.Rename[]::new);
          ((WebHdfsFileSystem) FileSystem.get(conf)).rename(new Path(rest[0]), new Path(rest[1]), options);
          return 0;
        default:
          throw new IllegalArgumentException("no such command: " + words[0]);
      }
    } catch (InvocationTargetException wrapped) {
      System.err.println(wrapped.getCause());
    } catch (Exception error) {
      System.err.println(error);
    }
    return 1;
  }

  private static Object call(String name, String[] words) throws Exception {
    FileSystem files = FileSystem.get(conf);
    for (Method method : FileSystem.class.getMethods()) {
      Class<?>[] types = method.getParameterTypes();
      if (!method.getName().equals(name) || types.length != words.length || !Arrays.stream(types).allMatch(HadoopCommands::isKnown)) continue;
      Object[] values = new Object[words.length];
      for (int at = 0; at < values.length; at++) values[at] = valueOf(types[at], words[at]);
      return method.invoke(files, values);
    }
    throw new IllegalArgumentException("no such method: " + name + " of " + words.length);
  }

  private static boolean isKnown(Class<?> type) {
    return List.of(Path.class, Path[].class, String.class, short.class, int.class, long.class, boolean.class, FsAction.class, FsPermission.class, byte[].class)
        .contains(type);
  }

  private static Object valueOf(Class<?> type, String word) {
    if (type == Path.class) return new Path(word);
    if (type == Path[].class) return Arrays.stream(word.split(",")).map(Path::new).toArray(Path[]::new);
    if (type == short.class) return Short.valueOf(word);
    if (type == int.class) return Integer.valueOf(word);
    if (type == long.class) return Long.valueOf(word);
    if (type == boolean.class) return Boolean.valueOf(word);
    if (type == FsAction.class) return FsAction.getFsAction(word);
    if (type == FsPermission.class) return new FsPermission(word);
    if (type == byte[].class) return word.getBytes(StandardCharsets.UTF_8);
    return word;
  }

  /** One line an element. */
  private static void show(Object value) throws IOException {
    if (value instanceof RemoteIterator<?> all) while (all.hasNext()) System.out.println(all.next());
    else if (value instanceof Object[] all) for (Object one : all) System.out.println(one);
    else if (value instanceof Collection<?> all) for (Object one : all) System.out.println(one);
    else if (value instanceof byte[] bytes) System.out.println(new String(bytes, StandardCharsets.UTF_8));
    else if (value != null) System.out.println(value);
  }

  private static String decode(String word) {
    return URLDecoder.decode(word, StandardCharsets.UTF_8);
  }

  private static String encode(ByteArrayOutputStream bytes) {
    return URLEncoder.encode(bytes.toString(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }
}
