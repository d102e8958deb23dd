package dev.hyaline.engine.internal.kernel;

import com.sun.management.HotSpotDiagnosticMXBean;
import dev.hyaline.engine.internal.kernel.vector.PreferredWidth;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds what keeps the vector kernels from running, or from running fast: without HotSpot's C2 compiler the Vector API
 * allocates every vector, and is many times slower than the scalar kernels.
 */
final class VectorProbe {
    static final String MODULE = "jdk.incubator.vector";

    private static final String MANAGEMENT_MODULE = "jdk.management";
    /** Arguments that may turn C2 off. An argument file may hold any. */
    private static final Pattern COMPILER_FLAG = Pattern.compile(
            "TieredStopAtLevel|TieredCompilation|CompilationMode|UseCompiler|JVMCI|-XX:Flags|VMOptionsFile|(^|[\\s\0])@");

    /**
     * Why there are no vector kernels.
     *
     * @param cause a clause
     * @param remedy what the user can do about it, as a clause
     */
    record Obstacle(String cause, String remedy) {}

    private VectorProbe() {}

    /** The first obstacle, or empty where the vector kernels run well. */
    static Optional<Obstacle> obstacle() {
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            return Optional.of(
                    new Obstacle("the module " + MODULE + " is not loaded", "start java with --add-modules " + MODULE));
        }
        return virtualMachine(System.getProperty("java.vm.name", ""), System.getProperty("java.vm.info", ""))
                .or(VectorProbe::compiler)
                .or(() -> width(PreferredWidth.bits()));
    }

    /**
     * What the virtual machine says of itself.
     *
     * @param info how HotSpot describes its mode, such as {@code mixed mode, sharing}
     */
    static Optional<Obstacle> virtualMachine(String name, String info) {
        if (!name.matches("(OpenJDK|Java HotSpot).* Server VM")) {
            return Optional.of(new Obstacle(
                    "this virtual machine, " + name + ", is not a HotSpot server VM, whose C2 compiler they need",
                    "run on a JDK with HotSpot"));
        }
        if (info.contains("interpreted mode")) {
            return Optional.of(new Obstacle(
                    "this virtual machine interprets and does not compile, so that every vector would be allocated",
                    "start java without -Xint"));
        }
        if (info.contains("emulated-client")) {
            return Optional.of(withoutC2());
        }
        return Optional.empty();
    }

    /** What only the flags tell. To ask for them takes the better part of 50 ms, so that is done only if need be. */
    private static Optional<Obstacle> compiler() {
        if (!mayHaveCompilerFlags()
                || ModuleLayer.boot().findModule(MANAGEMENT_MODULE).isEmpty()) {
            return Optional.empty();
        }
        if (flag("UseJVMCICompiler").equals("true")) {
            return Optional.of(new Obstacle(
                    "a JVMCI compiler takes the place of C2, which they need",
                    "start java with -XX:-UseJVMCICompiler"));
        }
        boolean c2 = flag("UseCompiler").equals("true")
                && (flag("TieredCompilation").equals("false")
                        || flag("TieredStopAtLevel").equals("4"));
        return c2 ? Optional.empty() : Optional.of(withoutC2());
    }

    private static Obstacle withoutC2() {
        return new Obstacle(
                "this virtual machine does not use its C2 compiler, so that every vector would be allocated",
                "start java without -XX:TieredStopAtLevel and other flags that turn C2 off");
    }

    /**
     * The width of vectors.
     *
     * @param bits of the widest vector that the machine and its flags let C2 use
     */
    static Optional<Obstacle> width(int bits) {
        return bits >= 128
                ? Optional.empty()
                : Optional.of(new Obstacle(
                        "vectors here have " + bits + " bits, and they need 128",
                        "run on a machine with wider ones, or without -XX:MaxVectorSize"));
    }

    private static boolean mayHaveCompilerFlags() {
        return Stream.of(commandLine(), System.getenv("JDK_JAVA_OPTIONS"), System.getenv("JAVA_TOOL_OPTIONS"))
                .filter(Objects::nonNull)
                .anyMatch(arguments -> COMPILER_FLAG.matcher(arguments).find());
    }

    /** The command line of this process; where it cannot be had cheaply, one that may hold anything. */
    private static String commandLine() {
        try {
            return Files.readString(Path.of("/proc/self/cmdline"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "@";
        }
    }

    /** The value of a flag of the virtual machine; empty if it has no such flag. */
    private static String flag(String name) {
        try {
            return ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                    .getVMOption(name)
                    .getValue();
        } catch (IllegalArgumentException e) {
            return "";
        }
    }
}
