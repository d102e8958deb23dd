package dev.hyaline.engine.internal.kernel;

import dev.hyaline.engine.KernelChoice;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.kernel.VectorProbe.Obstacle;
import dev.hyaline.engine.internal.kernel.vector.EmulatedKernels;
import dev.hyaline.engine.internal.kernel.vector.PreferredWidth;
import dev.hyaline.engine.internal.kernel.vector.VectorKernels;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Chooses the kernels: vector ones where {@link VectorProbe} finds no obstacle, else scalar ones. The system property
 * {@value #PROPERTY} forces either. Where the processor has no fused multiply-add, both emulate it.
 */
public final class KernelProvider {
    public static final String PROPERTY = "hyaline.kernels";

    /** Reasons that were logged: a process is told each once, however many models it opens. */
    private static final Set<String> TOLD = ConcurrentHashMap.newKeySet();

    private static final String NO_FMA = "no FMA: emulated in double";

    /** Kernels and the reason for them. */
    public record Provided(Kernels kernels, String reason) {
        public KernelChoice choice() {
            return new KernelChoice(kernels.name(), reason);
        }
    }

    private KernelProvider() {}

    /**
     * The kernels for this process.
     *
     * @throws BackendUnavailableException if the property asks for vector kernels that cannot run well here
     */
    public static Provided provide() {
        checkWidth();
        TileShape.checkProperty();
        Fma.checkProperty();
        String wanted = System.getProperty(PROPERTY, "auto");
        return switch (wanted) {
            case "scalar" ->
                new Provided(
                        new ScalarKernels(), PROPERTY + "=scalar asks for them" + (Fma.HARDWARE ? "" : "; " + NO_FMA));
            case "vector" -> {
                Optional<Obstacle> obstacle = VectorProbe.obstacle();
                if (obstacle.isPresent()) {
                    throw new BackendUnavailableException(
                            PROPERTY + "=vector asks for vector kernels, but "
                                    + obstacle.get().cause(),
                            obstacle.get().remedy() + ", or leave " + PROPERTY + " unset");
                }
                yield vector(PROPERTY + "=vector asks for them");
            }
            case "auto" ->
                VectorProbe.obstacle()
                        .map(KernelProvider::scalar)
                        .orElseGet(() -> vector(VectorProbe.MODULE + " is loaded and C2 compiles it"));
            default -> throw new BadInputException(PROPERTY + " must be auto, scalar or vector, found " + wanted);
        };
    }

    /** The scalar kernels, whatever the property says. */
    public static Provided scalar() {
        Fma.checkProperty();
        return new Provided(new ScalarKernels(), "the caller asks for them");
    }

    private static Provided scalar(Obstacle obstacle) {
        return Fma.HARDWARE
                ? slow(new ScalarKernels(), obstacle.cause(), obstacle.remedy())
                : slow(
                        new ScalarKernels(),
                        NO_FMA + ", and " + obstacle.cause(),
                        obstacle.remedy() + ", and " + forFma());
    }

    private static Provided vector(String reason) {
        Kernels kernels = vector();
        // The Vector API calls Math.fma lane by lane where the processor has no such instruction.
        return Fma.HARDWARE
                ? new Provided(kernels, reason + "; " + width() + "; " + tiles())
                : slow(kernels, NO_FMA + ", on vectors where that is faster", forFma());
    }

    private static Provided slow(Kernels kernels, String cause, String remedy) {
        String reason = cause + "; for speed, " + remedy;
        if (TOLD.add(reason)) {
            System.getLogger("dev.hyaline.engine")
                    .log(System.Logger.Level.INFO, "Running on {0} kernels: {1}", kernels.name(), reason);
        }
        return new Provided(kernels, reason);
    }

    private static String forFma() {
        return System.getProperty(Fma.PROPERTY) == null
                ? "run on a processor with FMA, or have the virtual machine pass it on"
                : "leave " + Fma.PROPERTY + " unset";
    }

    /**
     * The vector kernels, in a method of its own so that no Vector class is linked before the module is known to be
     * there.
     */
    private static Kernels vector() {
        Integer asked = Integer.getInteger(VectorKernels.WIDTH_PROPERTY);
        int widest = PreferredWidth.bits();
        if (asked != null && asked > widest) {
            throw new BadInputException(VectorKernels.WIDTH_PROPERTY + " must be at most " + widest
                    + ", which this machine has, found " + asked);
        }
        return Fma.HARDWARE ? new VectorKernels() : new EmulatedKernels();
    }

    private static String width() {
        return System.getProperty(VectorKernels.WIDTH_PROPERTY) == null
                ? "the width is what this machine prefers"
                : VectorKernels.WIDTH_PROPERTY + " asks for the width";
    }

    /** In a method of its own for the same reason as {@link #vector}. */
    private static String tiles() {
        return VectorKernels.tiles().reason();
    }

    private static void checkWidth() {
        String bits = System.getProperty(VectorKernels.WIDTH_PROPERTY);
        if (bits != null && !bits.matches("128|256|512")) {
            throw new BadInputException(VectorKernels.WIDTH_PROPERTY + " must be 128, 256 or 512, found " + bits);
        }
    }
}
