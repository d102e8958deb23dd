package dev.hyaline.engine.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each choice in a process of its own, for the virtual machine's flags are what it depends on. */
class KernelProviderTest {
    private static final String VECTOR = "--add-modules=jdk.incubator.vector";
    private static final String FORCED = "-Dhyaline.kernels=vector";
    private static final String NO_C2 = "this virtual machine does not use its C2 compiler, so that every vector would"
            + " be allocated; %sstart java without -XX:TieredStopAtLevel and other flags that turn C2 off";

    @Test
    void choosesVectorKernelsWhereTheyRunWell() throws Exception {
        assertThat(kernels(VECTOR))
                .matches("vector(128|256|512): jdk.incubator.vector is loaded and C2 compiles it;"
                        + " the width is what this machine prefers; tiles of (4x2|6x4), since .+");
        assertThat(kernels(VECTOR, FORCED))
                .matches("vector(128|256|512): hyaline.kernels=vector asks for them;"
                        + " the width is what this machine prefers; tiles of (4x2|6x4), since .+");
        assertThat(kernels(VECTOR, "-Dhyaline.vectorBits=128", "-Dhyaline.tile=6x4"))
                .isEqualTo("vector128: jdk.incubator.vector is loaded and C2 compiles it;"
                        + " hyaline.vectorBits asks for the width; hyaline.tile asks for tiles of 6x4");
        assertThat(kernels(VECTOR, "-XX:TieredStopAtLevel=4")).startsWith("vector");
        assertThat(kernels(VECTOR, "-XX:-TieredCompilation")).startsWith("vector");
    }

    @Test
    void scalarKernelsCanBeForced() throws Exception {
        assertThat(kernels(VECTOR, "-Dhyaline.kernels=scalar"))
                .isEqualTo("scalar: hyaline.kernels=scalar asks for them");
    }

    @Test
    void fallsBackWhereTheModuleIsNotLoaded() throws Exception {
        assertThat(kernels())
                .isEqualTo("scalar: the module jdk.incubator.vector is not loaded; for speed,"
                        + " start java with --add-modules jdk.incubator.vector");
        assertThat(kernels(FORCED))
                .isEqualTo("BackendUnavailableException: hyaline.kernels=vector asks for vector kernels, but the module"
                        + " jdk.incubator.vector is not loaded; start java with --add-modules jdk.incubator.vector,"
                        + " or leave hyaline.kernels unset");
    }

    @Test
    void fallsBackWhereNothingIsCompiled() throws Exception {
        String cause = "this virtual machine interprets and does not compile, so that every vector would be allocated";
        assertThat(kernels(VECTOR, "-Xint")).isEqualTo("scalar: " + cause + "; for speed, start java without -Xint");
        assertThat(kernels(VECTOR, "-Xint", FORCED))
                .isEqualTo("BackendUnavailableException: hyaline.kernels=vector asks for vector kernels, but " + cause
                        + "; start java without -Xint, or leave hyaline.kernels unset");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-XX:TieredStopAtLevel=1", "-XX:TieredStopAtLevel=3", "-XX:-UseCompiler"})
    void fallsBackWithoutC2(String flag) throws Exception {
        assertThat(kernels(VECTOR, flag)).isEqualTo("scalar: " + NO_C2.formatted("for speed, "));
        assertThat(kernels(VECTOR, flag, FORCED))
                .isEqualTo("BackendUnavailableException: hyaline.kernels=vector asks for vector kernels, but "
                        + NO_C2.formatted("") + ", or leave hyaline.kernels unset");
    }

    @Test
    void seesFlagsThatTheEnvironmentGives() throws Exception {
        assertThat(kernels(Map.of("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=2"), VECTOR))
                .endsWith("scalar: " + NO_C2.formatted("for speed, "));
    }

    @Test
    void fallsBackWhereVectorsAreShort() throws Exception {
        assertThat(kernels(VECTOR, "-XX:MaxVectorSize=8"))
                .isEqualTo("scalar: vectors here have 64 bits, and they need 128; for speed,"
                        + " run on a machine with wider ones, or without -XX:MaxVectorSize");
    }

    @Test
    void emulatesFmaWhereThereIsNone() throws Exception {
        String inScalar =
                "scalar: no FMA: emulated in double, and the module jdk.incubator.vector is not loaded; for speed,"
                        + " start java with --add-modules jdk.incubator.vector, and ";
        String onVectors =
                "emulated(128|256): no FMA: emulated in double, on vectors where that is faster; for speed, ";
        String otherProcessor = "run on a processor with FMA, or have the virtual machine pass it on";
        assertThat(kernels(VECTOR, "-XX:-UseFMA")).matches(onVectors + otherProcessor);
        assertThat(kernels(VECTOR, FORCED, "-XX:-UseFMA")).matches(onVectors + otherProcessor);
        assertThat(kernels("-XX:-UseFMA")).isEqualTo(inScalar + otherProcessor);
        assertThat(kernels(VECTOR, "-Dhyaline.kernels=scalar", "-XX:-UseFMA"))
                .isEqualTo("scalar: hyaline.kernels=scalar asks for them; no FMA: emulated in double");
        assertThat(kernels(VECTOR, "-Dhyaline.fma=emulated")).matches(onVectors + "leave hyaline.fma unset");
        assertThat(kernels("-Dhyaline.fma=emulated")).isEqualTo(inScalar + "leave hyaline.fma unset");
        assertThat(kernels(VECTOR, "-Dhyaline.fma=fast"))
                .isEqualTo("BadInputException: hyaline.fma must be auto or emulated, found fast");
    }

    @Test
    void passesWithoutFmaHaveTheSameBits() throws Exception {
        String expected = "logits " + Arrays.hashCode(PrintKernels.logits());
        assertThat(kernels(VECTOR, "-XX:-UseFMA", "-Dprint=logits")).isEqualTo(expected);
        assertThat(kernels(VECTOR, "-XX:-UseFMA", "-Dhyaline.vectorBits=128", "-Dprint=logits"))
                .isEqualTo(expected);
        assertThat(kernels("-Dhyaline.fma=emulated", "-Dprint=logits")).isEqualTo(expected);
    }

    @Test
    void refusesOtherVirtualMachines() {
        assertThat(VectorProbe.virtualMachine("OpenJDK 64-Bit Server VM", "mixed mode, sharing"))
                .isEmpty();
        assertThat(VectorProbe.virtualMachine("Java HotSpot(TM) 64-Bit Server VM", "mixed mode, sharing"))
                .isEmpty();
        for (String name : List.of("Eclipse OpenJ9 VM", "OpenJDK 64-Bit Zero VM", "OpenJDK Client VM", "")) {
            assertThat(VectorProbe.virtualMachine(name, "mixed mode"))
                    .hasValueSatisfying(obstacle -> assertThat(obstacle.cause())
                            .isEqualTo("this virtual machine, " + name
                                    + ", is not a HotSpot server VM, whose C2 compiler they need"));
        }
    }

    @Test
    void refusesWidthsThatThereAreNot() throws Exception {
        assertThat(kernels(VECTOR, "-Dhyaline.vectorBits=300"))
                .isEqualTo("BadInputException: hyaline.vectorBits must be 128, 256 or 512, found 300");
        assertThat(kernels(VECTOR, "-Dhyaline.vectorBits=512", "-XX:MaxVectorSize=16"))
                .isEqualTo("BadInputException: hyaline.vectorBits must be at most 128, which this machine has,"
                        + " found 512");
        assertThat(kernels("-Dhyaline.kernels=fast"))
                .isEqualTo("BadInputException: hyaline.kernels must be auto, scalar or vector, found fast");
    }

    @Test
    void refusesTilesThatThereAreNot() throws Exception {
        assertThat(kernels(VECTOR, "-Dhyaline.tile=8x3"))
                .isEqualTo("BadInputException: hyaline.tile must be 4x2 or 6x4, found 8x3");
    }

    private static String kernels(String... arguments) throws Exception {
        return kernels(Map.of(), arguments);
    }

    /** The last line that the process prints. */
    private static String kernels(Map<String, String> environment, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(arguments));
        command.addAll(List.of("-XX:+UseSerialGC", "-cp", classPath(), PrintKernels.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().keySet().removeAll(List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output.lines().reduce("", (earlier, line) -> line);
    }

    private static String classPath() throws URISyntaxException {
        return place(KernelProvider.class) + File.pathSeparator + place(PrintKernels.class);
    }

    private static Path place(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }
}
