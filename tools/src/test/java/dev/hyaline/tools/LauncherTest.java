package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher, in a checkout of its own, with a JDK and a Maven that only say how they are called. */
final class LauncherTest {
    private static final Path LAUNCHER = Path.of("..", "hyaline");

    @TempDir
    private Path temporary;

    private Path checkout;

    @BeforeEach
    void makeCheckout() throws IOException {
        checkout = checkout("checkout");
        program("jdk/bin/java", "#!/bin/sh\necho \"locale ${LC_ALL:-}\"\nfor a in \"$@\"; do echo \"$a\"; done\n");
        program("jdk/bin/javac", "#!/bin/sh\n");
        Files.writeString(temporary.resolve("jdk/release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"25.0.1\"\n");
        program("old/bin/java", "#!/bin/sh\necho old\n");
        program("old/bin/javac", "#!/bin/sh\n");
        Files.writeString(temporary.resolve("old/release"), "JAVA_VERSION=\"17.0.2\"\n");
        program("maven/mvn", """
            #!/bin/sh
            while [ "$1" != -f ]; do shift; done
            home=$(dirname "$2")
            echo built >>"$home/builds"
            [ ! -e "$home/broken" ] || { cat "$home/broken"; exit 1; }
            [ ! -e "$home/slow" ] || sleep 1
            echo done >>"$home/builds"
            mkdir -p "$home/tools/target/lib" "$home/engine/tornado/target"
            : >"$home/tools/target/hyaline-tools-0.jar"
            : >"$home/tools/target/lib/engine.jar"
            : >"$home/engine/tornado/target/hyaline-engine-tornado-0.jar"
            """);
    }

    private Path checkout(String name) throws IOException {
        Path folder = temporary.resolve(name);
        Files.createDirectories(folder.resolve("tools/src/main/java"));
        Files.createDirectories(folder.resolve("weights-loader/files/src/main/java"));
        Files.createFile(folder.resolve("pom.xml"));
        Files.createFile(folder.resolve("tools/pom.xml"));
        Files.copy(LAUNCHER, folder.resolve("hyaline"));
        return folder;
    }

    private void program(String name, String text) throws IOException {
        Path file = temporary.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Outcome run(Map<String, String> environment, Path launcher, String... arguments)
            throws IOException, InterruptedException {
        Process process = start(environment, launcher, arguments);
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Outcome(process.waitFor(), out, err);
    }

    private Process start(Map<String, String> environment, Path launcher, String... arguments) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                        Stream.concat(Stream.of("sh", launcher.toString()), Stream.of(arguments))
                                .toList())
                .directory(temporary.toFile());
        List.of("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "HYALINE_OPTS", "TORNADOVM_HOME")
                .forEach(builder.environment()::remove);
        builder.environment().put("JAVA_HOME", temporary.resolve("jdk").toString());
        builder.environment().put("PATH", temporary.resolve("maven") + ":" + System.getenv("PATH"));
        builder.environment().putAll(environment);
        return builder.start();
    }

    private Outcome run(String... arguments) throws IOException, InterruptedException {
        return run(Map.of(), checkout.resolve("hyaline"), arguments);
    }

    private void makeBuildsSlow() throws IOException {
        Files.createFile(checkout.resolve("slow"));
    }

    private int builds() throws IOException {
        return Collections.frequency(Files.readAllLines(checkout.resolve("builds")), "built");
    }

    @Test
    void itBuildsOnceAndHandsArgumentsThrough() throws Exception {
        Outcome first = run("dump", "--prompt", "two words", "*");
        assertThat(first.err()).contains("hyaline: building").hasLineCount(1);
        assertThat(first.out().lines()).endsWith("dev.hyaline.tools.Main", "dump", "--prompt", "two words", "*");
        assertThat(run("dump").err()).isEmpty();
        assertThat(builds()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tools/src/main/java/New.java", "weights-loader/files/src/main/java/New.java", "pom.xml"})
    void aNewerSourceIsBuiltAndARunningCommandKeepsItsJars(String source) throws Exception {
        makeBuildsSlow();
        String before = run().out();
        Path changed = checkout.resolve(source);
        Files.writeString(changed, "new");
        Files.setLastModifiedTime(changed, FileTime.from(Instant.now().plusSeconds(1)));
        String after = run().out();
        assertThat(builds()).isEqualTo(2);
        assertThat(classPath(after)).isNotEqualTo(classPath(before)).doesNotExist();
        assertThat(classPath(before).resolveSibling("hyaline-tools-0.jar")).exists();
    }

    private static Path classPath(String out) {
        List<String> lines = out.lines().toList();
        return Path.of(lines.get(lines.indexOf("-cp") + 1));
    }

    @Test
    void twoAtOnceBuildOnce() throws Exception {
        makeBuildsSlow();
        Process other = start(Map.of(), checkout.resolve("hyaline"));
        Outcome one = run();
        assertThat(one.exitCode()).isZero();
        assertThat(other.waitFor()).isZero();
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void aDeadBuildersLockIsTaken() throws Exception {
        Files.createDirectories(checkout.resolve(".hyaline-build"));
        Process dead = new ProcessBuilder("true").start();
        dead.waitFor();
        // Also where another process has the number now.
        for (String owner : List.of(dead.pid() + ":1", ProcessHandle.current().pid() + ":1")) {
            Files.deleteIfExists(checkout.resolve(".hyaline-build/current"));
            Files.createSymbolicLink(checkout.resolve(".hyaline-build/building"), Path.of(owner));
            Path halfWritten = checkout.resolve("tools/target/classes/Half.class");
            Files.createDirectories(halfWritten.getParent());
            Files.createFile(halfWritten);
            assertThat(run().exitCode()).isZero();
            assertThat(halfWritten).doesNotExist();
        }
        assertThat(builds()).isEqualTo(2);
    }

    @Test
    void aBuildThatLostItsLauncherIsWaitedFor() throws Exception {
        makeBuildsSlow();
        Process killed = start(Map.of(), checkout.resolve("hyaline"));
        while (!Files.exists(checkout.resolve("builds"))) {
            Thread.sleep(10);
        }
        killed.destroyForcibly().waitFor();
        assertThat(run().exitCode()).isZero();
        assertThat(Files.readAllLines(checkout.resolve("builds"))).containsExactly("built", "done", "built", "done");
    }

    @Test
    void aFolderThatCannotBeWrittenIsOneSentence() throws Exception {
        Path inTheWay = Files.createFile(checkout.resolve(".hyaline-build"));
        Outcome outcome = run();
        assertThat(outcome.err())
                .contains("hyaline must be built first", "cannot be written")
                .hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(inTheWay).isEmptyFile();
    }

    @Test
    void aFailedBuildIsTold() throws Exception {
        Files.writeString(
                checkout.resolve("broken"),
                "[ERROR] no good\n" + "[WARNING] /a/B.java: odd\n".repeat(30) + "[ERROR] \n");
        Outcome outcome = run();
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err()).contains("[ERROR] no good\nhyaline: the build failed", "build.log");
        assertThat(outcome.err()).doesNotContain("WARNING");
        Files.writeString(checkout.resolve("broken"), "[WARNING] /a/B.java: odd\n[ERROR] warnings and -Werror\n");
        assertThat(run().err()).contains("[WARNING] /a/B.java: odd\n[ERROR] warnings and -Werror\nhyaline:");
        Files.writeString(checkout.resolve("broken"), "out of memory\n");
        assertThat(run().err()).contains("out of memory\nhyaline: the build failed");
        Files.delete(checkout.resolve("broken"));
        assertThat(run().exitCode()).isZero();
    }

    @Test
    void itRunsThroughALinkAndFromAnotherFolder() throws Exception {
        Path link = Files.createSymbolicLink(temporary.resolve("link"), checkout.resolve("hyaline"));
        Path linkToLink = Files.createSymbolicLink(temporary.resolve("again"), Path.of("link"));
        assertThat(run(Map.of(), link).out()).contains(checkout.toRealPath().toString());
        assertThat(run(Map.of(), linkToLink).out())
                .contains(checkout.toRealPath().toString());
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void anOlderJavaIsNotTaken() throws Exception {
        Outcome outcome = run(
                Map.of(
                        "JAVA_HOME",
                        temporary.resolve("old").toString(),
                        "PATH",
                        temporary.resolve("jdk/bin") + ":" + temporary.resolve("maven") + ":" + System.getenv("PATH")),
                checkout.resolve("hyaline"));
        assertThat(outcome.out()).startsWith("locale").contains("dev.hyaline.tools.Main");
    }

    @Test
    void aCollectorThatIsChosenReplacesOurs() throws Exception {
        assertThat(run().out()).contains("-XX:+UseSerialGC");
        for (String variable : List.of("HYALINE_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")) {
            Outcome chosen = run(Map.of(variable, "-Xmx2g -XX:+UseParallelGC -Da=b"), checkout.resolve("hyaline"));
            assertThat(chosen.out()).as(variable).doesNotContain("UseSerialGC");
        }
        assertThat(run(Map.of("HYALINE_OPTS", "-Xmx2g"), checkout.resolve("hyaline"))
                        .out())
                .contains("-XX:+UseSerialGC", "-Xmx2g");
    }

    @Test
    void aFolderThatTheLocaleCannotSpellIsNoHindrance() throws Exception {
        assumeThat(System.getProperty("sun.jnu.encoding")).isEqualTo("UTF-8");
        Path folder = checkout("pläne");
        assertThat(run(Map.of("LC_ALL", "C"), folder.resolve("hyaline")).out()).contains("locale C.UTF-8");
        assertThat(run(Map.of("LC_ALL", "C"), checkout.resolve("hyaline")).out())
                .contains("locale C\n");
        assertThat(run(Map.of("LC_ALL", "C"), checkout.resolve("hyaline"), "dump", "--prompt", "Zoë")
                        .out())
                .contains("locale C.UTF-8", "Zoë");
        assertThat(run(Map.of("LC_ALL", "C", "PWD", folder.toString()), checkout.resolve("hyaline"))
                        .out())
                .contains("locale C\n"); // not the present folder, whatever the variable says
    }

    @Test
    void whatSpeaksOfADeviceGetsTheSdk() throws Exception {
        Path sdk = Files.createDirectories(temporary.resolve("sdk"));
        Map<String, String> withSdk = Map.of("TORNADOVM_HOME", sdk.toString());
        assertThat(run(withSdk, checkout.resolve("hyaline"), "dump", "--device=gpu")
                        .err())
                .contains("there is no tornado-argfile");
        Files.createFile(sdk.resolve("tornado-argfile"));
        assertThat(run(withSdk, checkout.resolve("hyaline"), "dump", "--device=gpu")
                        .out())
                .startsWith("locale")
                .contains("@" + sdk + "/tornado-argfile", "-Dtornado.recover.bailout=False");
        assertThat(run(withSdk, checkout.resolve("hyaline"), "dump").out()).doesNotContain("tornado-argfile");
        assertThat(run("devices").out()).doesNotContain("tornado-argfile");
    }
}
