package dev.hyaline.spark;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.tools.Main;
import dev.hyaline.tools.terminal.Console;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dumps that Spark schedules have the bytes of {@code hyaline dump}, whatever goes wrong on the way. */
final class SparkDumpTest {
    private static final List<String> FINE = List.of("--sites", "resid_post", "--layers", "0", "--shard-size", "150kB");
    private static final List<String> COARSE = List.of("--sites", "resid_post,z", "--shard-size", "6MB");

    @TempDir
    private static Path shared;

    private static Path corpus;

    @TempDir
    private Path temporary;

    /** What a command or job gave. */
    private record Outcome(int exitCode, String out, String err) {
        Outcome succeeded() {
            assertThat(err).isEmpty();
            assertThat(exitCode).isZero();
            return this;
        }
    }

    @BeforeAll
    static void dumpByOneProcess() throws IOException {
        corpus = shared.resolve("corpus.jsonl");
        StringBuilder lines = new StringBuilder();
        for (int line = 0; line < 600; line++) {
            lines.append("\"Once, on day ")
                    .append(line)
                    .append(", Mary and John went to the store, and John gave a drink to Mary.\"\n");
        }
        Files.writeString(corpus, lines);
        hyaline(FINE, shared.resolve("fine")).succeeded();
        hyaline(COARSE, shared.resolve("coarse")).succeeded();
    }

    @BeforeEach
    void configure() {
        configure("spark.master", "local[2]");
        configure("spark.ui.enabled", "false");
        configure("spark.driver.host", "127.0.0.1");
        configure("spark.driver.bindAddress", "127.0.0.1");
        configure("spark.local.dir", temporary.resolve("local").toString());
    }

    private static void configure(String key, String value) {
        System.setProperty(key, value);
    }

    @AfterEach
    void forget() {
        System.getProperties().keySet().removeIf(key -> key.toString().startsWith("spark."));
    }

    private static Console console(StringWriter out, StringWriter err) {
        return new Console(
                InputStream.nullInputStream(), new PrintWriter(out), new PrintWriter(err), false, false, Map.of());
    }

    private static Outcome hyaline(List<String> request, Path out) {
        List<String> command = new ArrayList<>(List.of("dump", "--prompts", corpus.toString()));
        command.addAll(request);
        command.addAll(List.of("--out", out.toString()));
        return hyaline(command.toArray(String[]::new));
    }

    private static Outcome hyaline(String... command) {
        StringWriter said = new StringWriter();
        StringWriter complained = new StringWriter();
        Console console = console(said, complained);
        int exitCode = Main.run(command, console);
        console.flush();
        return new Outcome(exitCode, said.toString(), complained.toString());
    }

    private static Outcome spark(List<String> request, String corpus, String out, String... more) {
        List<String> arguments = new ArrayList<>(List.of("--prompts", corpus));
        arguments.addAll(request);
        return spark(out, Stream.concat(arguments.stream(), Stream.of(more)).toArray(String[]::new));
    }

    private static Outcome spark(String out, String... more) {
        StringWriter said = new StringWriter();
        StringWriter complained = new StringWriter();
        Console console = console(said, complained);
        List<String> arguments = new ArrayList<>(List.of("--out", out));
        arguments.addAll(List.of(more));
        int exitCode = SparkDump.run(arguments.toArray(String[]::new), console);
        console.flush();
        return new Outcome(exitCode, said.toString(), complained.toString());
    }

    private static Map<String, byte[]> shards(Path folder) throws IOException {
        Map<String, byte[]> shards = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                if (file.getFileName().toString().endsWith(".safetensors")) {
                    shards.put(file.getFileName().toString(), Files.readAllBytes(file));
                }
            }
        }
        return shards;
    }

    private static void assertSameDump(Path found, Path expected) throws IOException {
        Map<String, byte[]> there = shards(found);
        Map<String, byte[]> wanted = shards(expected);
        assertThat(there.keySet()).isEqualTo(wanted.keySet());
        wanted.forEach((name, bytes) ->
                assertThat(Arrays.equals(there.get(name), bytes)).as(name).isTrue());
        try (ActivationStore store = ActivationStore.open(found);
                ActivationStore single = ActivationStore.open(expected)) {
            store.verify();
            assertThat(store.rows()).isEqualTo(single.rows());
            assertThat(store.checksums()).isEqualTo(single.checksums());
        }
    }

    @Test
    void twoThreadsMakeTheDumpOfOneProcess() throws IOException {
        Path out = temporary.resolve("out");
        Outcome first =
                spark(FINE, corpus.toString(), out.toString(), "--verify").succeeded();
        assertThat(first.out()).contains("Wrote " + out, " rows in ", "by 1 executors");
        assertSameDump(out, shared.resolve("fine"));

        Path lost = out.resolve("activations-00003.safetensors");
        Files.delete(lost);
        int shards = shards(shared.resolve("fine")).size();
        assertThat(spark(out.toString()).succeeded().out()).contains((shards - 1) + " shards were there before");
        assertSameDump(out, shared.resolve("fine"));

        assertThat(spark(FINE, corpus.toString(), out.toString(), "--every", "2")
                        .err())
                .contains("the plan in " + out + " is another: capture.every was 1 and is now 2");
        Outcome none = spark(temporary.resolve("none").toString());
        assertThat(none.err()).contains("cannot read").contains("plan.json");
        assertThat(none.exitCode()).isEqualTo(1);
        Outcome unknown = spark(out.toString(), "--evry", "2");
        assertThat(unknown.err()).contains("--evry");
        assertThat(unknown.exitCode()).isEqualTo(2);
        assertThat(spark("", "--verify").err()).contains("where is the dump to be?");
        assertThat(spark(out.toString(), "--part", "1").err()).contains("--part is for hyaline dump alone");
        assertThat(spark(shared.resolve("fine").toString(), "--prompts", corpus.toString())
                        .err())
                .contains("holds a dump that was not planned");
    }

    /** Through Hadoop's own file system, whose files get their names when they are complete. */
    @Test
    void aFileSystemOfHadoopsHoldsTheSameDump() throws IOException {
        Path folder = temporary.resolve("out");
        String out = folder.toUri().toString();
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(".activations-00002.safetensors.attempt-killed"), "half");
        spark(FINE, corpus.toUri().toString(), out, "--verify").succeeded();
        assertSameDump(folder, shared.resolve("fine"));
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .noneMatch(name -> name.contains("attempt") && !name.endsWith(".crc"));
        }
    }

    @Test
    void aPartOfAnotherPlanIsRefusedAndAFlippedByteFound() throws IOException {
        Path out = temporary.resolve("out");
        Path other = temporary.resolve("other");
        List<String> plan = Stream.concat(FINE.stream(), Stream.of("--every", "2", "--plan"))
                .toList();
        hyaline(plan, other).succeeded();
        hyaline("dump", "--out", other.toString(), "--part", "1").succeeded();
        spark(FINE, corpus.toString(), out.toString()).succeeded();
        String shard = "activations-00001.safetensors";
        Path json = out.resolve(shard + ".json");
        String mine = Files.readString(json);
        Files.writeString(json, Files.readString(other.resolve(shard + ".json")));
        Outcome refused = spark(out.toString());
        assertThat(refused.err()).contains(shard + " is a part of another plan, whose SHA-256 is ");
        assertThat(refused.exitCode()).isPositive();
        Files.writeString(json, mine);

        byte[] content = Files.readAllBytes(out.resolve(shard));
        content[content.length / 2] ^= 4;
        Files.write(out.resolve(shard), content);
        Outcome damaged = spark(out.toString(), "--verify");
        assertThat(damaged.err()).contains(shard + ": expected SHA-256 ", "delete it, and write shard ");
        assertThat(damaged.exitCode()).isPositive();
        Files.delete(out.resolve(shard));
        spark(out.toString(), "--verify").succeeded();
        assertSameDump(out, shared.resolve("fine"));
    }

    /** Two executors of a core each, one of which is killed once there is a shard. */
    @Test
    void aKilledExecutorChangesNothing() throws Exception {
        Path home = Path.of(System.getenv("SPARK_HOME"));
        List<String> classes = linkJars(home.resolve("jars"));
        configure("spark.master", "local-cluster[2,1,1024]");
        configure("spark.executor.memory", "1024m");
        configure("spark.executor.extraClassPath", String.join(File.pathSeparator, classes));
        configure("spark.executorEnv.JAVA_HOME", System.getProperty("java.home"));
        Path out = temporary.resolve("out");
        CompletableFuture<Outcome> job =
                CompletableFuture.supplyAsync(() -> spark(FINE, relative(corpus), relative(out), "--verify"));
        try {
            ProcessHandle killed = killOne(job, out);
            Outcome outcome = job.get(300, TimeUnit.SECONDS).succeeded();
            assertThat(killed.isAlive()).isFalse();
            assertThat(outcome.out()).contains("Wrote " + out);
            assertSameDump(out, shared.resolve("fine"));
        } finally {
            if (!job.isDone()) { // else no other test gets a context
                SparkContext.getOrCreate().stop();
            }
        }
    }

    /** From this process's folder, which is not an executor's. */
    private static String relative(Path path) {
        return Path.of("").toAbsolutePath().relativize(path.toAbsolutePath()).toString();
    }

    /** Kills an executor as soon as one of them has completed a shard. */
    private static ProcessHandle killOne(CompletableFuture<Outcome> job, Path out) throws Exception {
        Path first = null;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (first == null && !job.isDone() && System.nanoTime() < deadline) {
            Thread.sleep(5);
            first = firstPart(out);
        }
        assertThat(first).as("a shard; the job: %s", job.getNow(null)).isNotNull();
        List<ProcessHandle> executors = executors();
        assertThat(executors).isNotEmpty();
        ProcessHandle killed = executors.getFirst();
        assertThat(killed.destroyForcibly()).isTrue();
        assertThat(job.isDone()).isFalse();
        return killed;
    }

    private static Path firstPart(Path out) throws IOException {
        if (!Files.isDirectory(out)) {
            return null;
        }
        try (Stream<Path> files = Files.list(out)) {
            return files.filter(file -> file.toString().endsWith(".safetensors.json"))
                    .findFirst()
                    .orElse(null);
        }
    }

    private static List<ProcessHandle> executors() {
        return ProcessHandle.current()
                .descendants()
                .filter(process -> process.info().commandLine().orElse("").contains("CoarseGrainedExecutorBackend"))
                .toList();
    }

    /** Links to the jars of this JVM's class path; returns its folders. */
    private static List<String> linkJars(Path jars) throws IOException {
        if (Files.isDirectory(jars)) { // perhaps with those of an earlier run
            try (Stream<Path> links = Files.list(jars)) {
                for (Path link : links.toList()) {
                    Files.delete(link);
                }
            }
        }
        Files.createDirectories(jars);
        Map<Boolean, List<String>> entries = Stream.of(
                        System.getProperty("java.class.path").split(File.pathSeparator, -1))
                .distinct()
                .collect(Collectors.partitioningBy(entry -> Files.isDirectory(Path.of(entry))));
        for (String jar : entries.get(false)) {
            Path link = jars.resolve(Path.of(jar).getFileName().toString());
            Files.createSymbolicLink(link, Path.of(jar).toAbsolutePath());
        }
        return entries.get(true);
    }

    private static void useS3(FakeS3 s3) {
        configure("spark.hadoop.fs.s3a.endpoint", s3.endpoint());
        configure("spark.hadoop.fs.s3a.endpoint.region", "us-east-1");
        configure("spark.hadoop.fs.s3a.path.style.access", "true");
        configure("spark.hadoop.fs.s3a.connection.ssl.enabled", "false");
        configure("spark.hadoop.fs.s3a.access.key", "anyone");
        configure("spark.hadoop.fs.s3a.secret.key", "nothing");
        configure(
                "spark.hadoop.fs.s3a.aws.credentials.provider",
                "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider");
        configure("spark.hadoop.fs.s3a.multipart.size", "5M");
        configure("spark.hadoop.fs.s3a.multipart.threshold", "5M");
        configure("spark.hadoop.fs.s3a.retry.interval", "20ms");
    }

    /** Corpus and dump in an object store whose connections break in the middle of uploads. */
    @Test
    void aCutConnectionToAnObjectStoreChangesNothing() throws IOException {
        try (FakeS3 s3 = new FakeS3()) {
            useS3(s3);
            s3.objects.put("bucket/corpus/all.jsonl", Files.readAllBytes(corpus));
            s3.cuts.set(3);
            String out = "s3a://bucket/harvest";
            Outcome written =
                    spark(COARSE, "s3a://bucket/corpus", out, "--verify").succeeded();
            assertThat(written.out()).contains("Wrote " + out);
            assertThat(s3.cut).hasValue(3);
            assertThat(s3.parts.get()).isPositive();

            Path copy = Files.createDirectories(temporary.resolve("copy"));
            for (Map.Entry<String, byte[]> object : s3.objects.entrySet()) {
                if (object.getKey().startsWith("bucket/harvest/")
                        && !object.getKey().endsWith("/")) {
                    Files.write(copy.resolve(object.getKey().replaceAll(".*/", "")), object.getValue());
                }
            }
            assertSameDump(copy, shared.resolve("coarse"));

            String shard = "bucket/harvest/activations-00000.safetensors";
            byte[] content = s3.objects.get(shard).clone();
            content[content.length / 3] ^= 1;
            s3.objects.put(shard, content);
            assertThat(spark(out, "--verify").err()).contains("activations-00000.safetensors: expected SHA-256 ");
            s3.objects.remove(shard);
            spark(out, "--verify").succeeded();
            content[content.length / 3] ^= 1;
            assertThat(s3.objects.get(shard)).isEqualTo(content);
        }
    }
}
