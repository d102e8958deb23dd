package dev.hyaline.spark;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.DumpPlan;
import dev.hyaline.instrument.dump.PartStore;
import dev.hyaline.tools.Main;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * The main class for {@code spark-submit}: plans a dump unless it is planned, has the executors write its shards, and
 * finishes it. The result is that of {@code hyaline dump}, byte for byte, whatever executors are lost on the way; a run
 * that was stopped goes on when it is submitted again.
 *
 * <pre>{@code
 * mvn -Pspark -pl instrument/spark -am -DskipTests package
 * spark-submit --packages org.apache.hadoop:hadoop-aws:3.5.0 instrument/spark/target/hyaline-spark.jar \
 *     --prompts s3a://bucket/corpus.jsonl --context 128 --pack --layers 8 --out s3a://bucket/harvest --verify
 * }</pre>
 *
 * <p>The options are those of {@code hyaline dump}, which plan it; with none but {@code --out}, a dump that is planned
 * goes on. {@code --verify} has every shard read again in the end. The corpus and {@code --out} are names of files that
 * every machine sees, or of what Hadoop reaches ({@code hdfs:}, {@code s3a:} with {@code hadoop-aws}); a model that is
 * not built in must have the same path on every machine.
 *
 * <p>Spark 4.2 on JDK 25. An executor opens the model once, and its tasks share it; {@code spark.task.cpus} is
 * {@code spark.executor.cores} unless it is set, so that a task computes with all threads of its executor. On an object
 * store, what a killed executor had uploaded in part never appears, but is stored until the bucket's own rule, or
 * {@code fs.s3a.multipart.purge}, removes it.
 */
public final class SparkDump {
    private static final String TASK_CPUS = "spark.task.cpus";

    /** More tasks than these are no more even, and the driver keeps a record of each. */
    private static final long MAX_TASKS = 100_000;

    private SparkDump() {}

    public static void main(String[] arguments) {
        Console console = console(true);
        int exitCode = run(arguments, console);
        console.flush();
        if (exitCode != 0) {
            System.exit(exitCode);
        }
    }

    /** The streams of this process; a task says nothing on standard output. */
    static Console console(boolean out) {
        Console system = Console.system();
        return new Console(
                InputStream.nullInputStream(),
                out ? system.out() : new PrintWriter(Writer.nullWriter()),
                system.err(),
                false,
                false,
                system.environment());
    }

    /** Runs with the configuration that {@code spark-submit} leaves in system properties. */
    static int run(String[] arguments, Console console) {
        try {
            SparkArguments given = SparkArguments.parse(arguments);
            Path scratch = Files.createTempDirectory("hyaline-spark-");
            try {
                return run(given, scratch, console);
            } finally {
                delete(scratch);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (HyalineException e) {
            console.err().println("hyaline-spark: " + e.getMessage());
            return e instanceof BadInputException ? 2 : 1;
        }
    }

    private static SparkConf configuration() {
        SparkConf configuration = new SparkConf();
        configuration.setIfMissing("spark.app.name", "hyaline-spark");
        if (!configuration.contains(TASK_CPUS)) {
            configuration.set(TASK_CPUS, configuration.get("spark.executor.cores", "1"));
        }
        // Tasks and their results are records, which Kryo does not know.
        configuration.set("spark.serializer", "org.apache.spark.serializer.JavaSerializer");
        return configuration;
    }

    private static int run(SparkArguments given, Path scratch, Console console) throws IOException {
        String out = Stores.isHadoops(given.out())
                ? given.out()
                : Path.of(given.out()).toAbsolutePath().normalize().toString();
        PartStore store = Stores.of(out, scratch);
        // Before there is a context, so that no executor waits for the plan.
        if (!given.request().isEmpty()) {
            Path planned = scratch.resolve("plan");
            if (!plan(given.request(), planned, console)) {
                return 2;
            }
            if (!Stores.isHadoops(out)) {
                Files.createDirectories(Path.of(out));
            }
            DumpPlan.read(planned).write(store);
        }
        DumpPlan plan = DumpPlan.read(store);
        long begin = System.nanoTime();
        List<ShardTask.Result> results;
        double seconds;
        try (JavaSparkContext spark = new JavaSparkContext(configuration())) {
            results = run(spark, plan, new ShardTask(out, plan.sha256(), false));
            seconds = (System.nanoTime() - begin) / 1e9;
            if (given.verify()) {
                run(spark, plan, new ShardTask(out, plan.sha256(), true));
            }
        }
        report(out, plan, plan.finish(store, false), results, seconds, console);
        return 0;
    }

    /** Plans the dump in a folder of this machine; returns false if the command said why not. */
    private static boolean plan(List<String> request, Path folder, Console console) {
        List<String> command = new ArrayList<>(List.of("dump"));
        command.addAll(request);
        command.addAll(List.of("--plan", "--out", folder.toString()));
        Console quiet = new Console(
                console.in(), new PrintWriter(Writer.nullWriter()), console.err(), false, false, console.environment());
        return Main.run(command.toArray(String[]::new), quiet) == 0;
    }

    private static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted((a, b) -> b.compareTo(a)).forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            folder.toFile().deleteOnExit();
        }
    }

    private static List<ShardTask.Result> run(JavaSparkContext spark, DumpPlan plan, ShardTask task) {
        int tasks = (int) Math.min(plan.shards(), MAX_TASKS);
        List<ShardTask.Shards> parts = new ArrayList<>(tasks);
        for (int part = 0; part < tasks; part++) {
            DumpPlan.Range range = plan.part(part, tasks);
            parts.add(new ShardTask.Shards(range.first(), range.end()));
        }
        List<ShardTask.Result> results;
        try {
            results = spark.parallelize(parts, tasks).map(task).collect();
        } catch (Exception e) {
            // Spark's exceptions are checked ones of Scala's, which declares none.
            if (e instanceof SparkException) {
                throw new HyalineException("Spark gave up: " + firstLines(e), e);
            }
            throw e;
        }
        for (ShardTask.Result result : results) {
            if (!result.refusal().isEmpty()) {
                throw new BadInputException("executor " + result.executor() + ": " + result.refusal());
            }
        }
        return results;
    }

    /** What Spark says before it prints stacks. */
    private static String firstLines(Exception failure) {
        return String.valueOf(failure.getMessage())
                .lines()
                .takeWhile(line -> !line.startsWith("\tat ") && !line.isBlank())
                .reduce((one, next) -> one + " " + next.strip())
                .orElse("");
    }

    private static void report(
            String out,
            DumpPlan plan,
            CorpusDump.CorpusSummary finished,
            List<ShardTask.Result> results,
            double seconds,
            Console console) {
        long found = results.stream().mapToLong(ShardTask.Result::found).sum();
        long executors =
                results.stream().map(ShardTask.Result::executor).distinct().count();
        double loading =
                results.stream().mapToDouble(ShardTask.Result::loading).max().orElse(0);
        double shards = results.stream().mapToDouble(ShardTask.Result::seconds).sum();
        long peak =
                results.stream().mapToLong(ShardTask.Result::peakBytes).max().orElse(0);
        console.out()
                .println("Wrote " + out + ": " + DisplayText.plural(plan.rows(), "row") + " in "
                        + DisplayText.plural(plan.shards(), "shard") + ", " + DisplayText.bytes(finished.bytes())
                        + (found == 0 ? "" : "; " + found + " shards were there before"));
        console.out()
                .println(String.format(
                        Locale.ROOT,
                        "  %d tokens in %.1f s by %d executors; the tasks took %.1f s together, an executor %.1f s to"
                                + " open the model%s",
                        plan.tokens(),
                        seconds,
                        executors,
                        shards,
                        loading,
                        peak == 0 ? "" : " and at most " + DisplayText.bytes(peak) + " of memory"));
        if (finished.overflowed() > 0) {
            console.err()
                    .println("hyaline-spark: " + DisplayText.plural(finished.overflowed(), "value")
                            + " became infinite, too large for their type; --dtype f32 keeps them");
        }
    }
}
