package dev.hyaline.engine.internal.kernel;

import dev.hyaline.engine.KernelChoice;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.kernel.VectorProbe.Obstacle;
import dev.hyaline.engine.internal.kernel.vector.PreferredWidth;
import dev.hyaline.engine.internal.kernel.vector.VectorKernels;
import java.util.Optional;

/**
 * Chooses the kernels: vector ones where {@link VectorProbe} finds no obstacle, else scalar ones. The system property
 * {@value #PROPERTY} forces either.
 */
public final class KernelProvider {
    public static final String PROPERTY = "hyaline.kernels";

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
                        new ScalarKernels(),
                        PROPERTY + "=scalar asks for them" + (Fma.HARDWARE ? "" : "; no FMA: emulated in double"));
            case "vector" -> {
                Optional<Obstacle> obstacle = obstacle();
                if (obstacle.isPresent()) {
                    throw new BackendUnavailableException(
                            PROPERTY + "=vector asks for vector kernels, but "
                                    + obstacle.get().cause(),
                            obstacle.get().remedy() + ", or leave " + PROPERTY + " unset");
                }
                yield new Provided(vector(), PROPERTY + "=vector asks for them; " + width() + "; " + tiles());
            }
            case "auto" ->
                obstacle()
                        .map(KernelProvider::scalarFallback)
                        .orElseGet(() -> new Provided(
                                vector(),
                                VectorProbe.MODULE + " is loaded and C2 compiles it; " + width() + "; " + tiles()));
            default -> throw new BadInputException(PROPERTY + " must be auto, scalar or vector, found " + wanted);
        };
    }

    /** The Vector API calls {@code Math.fma} lane by lane where the processor has no such instruction. */
    private static Optional<Obstacle> obstacle() {
        return Fma.HARDWARE
                ? VectorProbe.obstacle()
                : Optional.of(new Obstacle(
                        "no FMA: emulated in double",
                        System.getProperty(Fma.PROPERTY) == null
                                ? "run on a processor with FMA, or have the virtual machine pass it on"
                                : "leave " + Fma.PROPERTY + " unset"));
    }

    private static Provided scalarFallback(Obstacle obstacle) {
        String reason = obstacle.cause() + "; for speed, " + obstacle.remedy();
        System.getLogger("dev.hyaline.engine").log(System.Logger.Level.INFO, "Running on scalar kernels: {0}", reason);
        return new Provided(new ScalarKernels(), reason);
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
        return new VectorKernels();
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
