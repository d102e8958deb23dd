package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.tools.terminal.Console;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a run of the command gave. */
record Outcome(int exitCode, String out, String err) {
    /** The user's own cache and the hub are none of the tests' business. */
    private static final Map<String, String> NO_HUB =
            Map.of("HF_HUB_CACHE", "target/no-hub-cache", "HF_HOME", "target/no-hub-home", "HF_HUB_OFFLINE", "1");

    private static final Pattern SHELL_WORD = Pattern.compile("'([^']*)'|(\\S+)");

    /** Runs a command in this JVM. */
    static Outcome of(String... arguments) {
        return reading("", arguments);
    }

    /** Runs in this JVM what one would copy to a shell. */
    static Outcome ofLine(String line) {
        assertThat(line).startsWith("hyaline ");
        return of(SHELL_WORD
                .matcher(line.substring("hyaline ".length()))
                .results()
                .map(word -> word.group(1) != null ? word.group(1) : word.group(2))
                .toArray(String[]::new));
    }

    /** Runs a command in this JVM with a text as its standard input. */
    static Outcome reading(String input, String... arguments) {
        return reading(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), false, arguments);
    }

    static Outcome reading(InputStream input, boolean colours, String... arguments) {
        return run(input, colours, NO_HUB, arguments);
    }

    /** Runs a command in this JVM with environment variables of its own. */
    static Outcome in(Map<String, String> environment, String... arguments) {
        return in(environment, "", arguments);
    }

    static Outcome in(Map<String, String> environment, String input, String[] arguments) {
        return run(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), false, environment, arguments);
    }

    private static Outcome run(
            InputStream input, boolean colours, Map<String, String> environment, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        Console console = new Console(input, new PrintWriter(out), new PrintWriter(err), colours, false, environment);
        int exitCode = Main.run(arguments, console);
        console.flush();
        return new Outcome(exitCode, out.toString(), err.toString());
    }

    /** Runs a command as a process of its own, in a folder and a locale. */
    static Outcome ofProcess(Path folder, String locale, String... arguments) throws IOException, InterruptedException {
        return ofProcess(builder(folder, locale, arguments));
    }

    static Outcome ofProcess(ProcessBuilder builder) throws IOException, InterruptedException {
        Process process = builder.start();
        process.getOutputStream().close();
        CompletableFuture<String> err = CompletableFuture.supplyAsync(() -> text(process.getErrorStream()));
        String out = text(process.getInputStream());
        return new Outcome(process.waitFor(), out, err.join());
    }

    static Process start(Path folder, String locale, String... arguments) throws IOException {
        return builder(folder, locale, arguments).start();
    }

    /** A command as a process of few passes, which need no C2: it would cost half of them. The values are the same. */
    static ProcessBuilder builder(Path folder, String locale, String... arguments) {
        ProcessBuilder builder = builderInFull(folder, locale, arguments);
        builder.command().addAll(1, List.of("-XX:TieredStopAtLevel=1", "-Dhyaline.kernels=scalar"));
        return builder;
    }

    /** A command as a process with the compilers and kernels that users have. */
    static ProcessBuilder builderInFull(Path folder, String locale, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                "dev.hyaline.tools.Main"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        builder.environment().put("LC_ALL", locale);
        builder.environment().putAll(NO_HUB);
        return builder;
    }

    private static String text(InputStream stream) {
        try {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The one JSON document that a successful run printed. */
    JsonNode json() {
        assertThat(err).isEmpty();
        assertThat(exitCode).isZero();
        return JsonMapper.shared().readTree(out);
    }

    Outcome succeeded() {
        assertThat(err).isEmpty();
        assertThat(exitCode).isZero();
        return this;
    }

    /** The strings of a JSON array. */
    static List<String> strings(JsonNode array) {
        return array.valueStream().map(JsonNode::asString).toList();
    }

    /** The whole numbers of a JSON array. */
    static List<Integer> integers(JsonNode array) {
        return array.valueStream().map(JsonNode::asInt).toList();
    }
}
