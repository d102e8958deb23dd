package dev.hyaline.engine.internal.kernel;

import dev.hyaline.engine.BackendUnavailableException;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.KernelChoice;
import dev.hyaline.engine.internal.kernel.vector.VectorKernels;

/**
 * Chooses the kernels: vector ones where {@code jdk.incubator.vector} is there, else scalar ones; the system property
 * {@value #PROPERTY} forces either.
 */
public final class KernelProvider {
    public static final String PROPERTY = "hyaline.kernels";

    private static final String MODULE = "jdk.incubator.vector";
    private static final String ADD_MODULE = "start java with --add-modules " + MODULE;

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
     * @throws BackendUnavailableException if the property asks for vector kernels that cannot run here
     */
    public static Provided provide() {
        checkWidth();
        String wanted = System.getProperty(PROPERTY, "auto");
        return switch (wanted) {
            case "scalar" -> new Provided(new ScalarKernels(), PROPERTY + "=scalar asks for them");
            case "vector" -> {
                if (!modulePresent()) {
                    throw new BackendUnavailableException(
                            "vector kernels were asked for, but the module " + MODULE + " is not loaded",
                            ADD_MODULE,
                            null);
                }
                yield new Provided(vector(), PROPERTY + "=vector asks for them");
            }
            case "auto" ->
                modulePresent() ? new Provided(vector(), MODULE + " is loaded; " + width()) : scalarFallback();
            default -> throw new BadInputException(PROPERTY + " must be auto, scalar or vector, found " + wanted);
        };
    }

    private static Provided scalarFallback() {
        String reason = "the module " + MODULE + " is not loaded; for speed, " + ADD_MODULE;
        System.getLogger("dev.hyaline.engine").log(System.Logger.Level.INFO, "Running on scalar kernels: {0}", reason);
        return new Provided(new ScalarKernels(), reason);
    }

    /** A separate method, so that no Vector class is linked before the module is known to be there. */
    private static Kernels vector() {
        return new VectorKernels();
    }

    private static String width() {
        return System.getProperty(VectorKernels.WIDTH_PROPERTY) == null
                ? "the width is what this machine prefers"
                : VectorKernels.WIDTH_PROPERTY + " asks for the width";
    }

    private static void checkWidth() {
        String bits = System.getProperty(VectorKernels.WIDTH_PROPERTY);
        if (bits != null && !bits.matches("128|256|512")) {
            throw new BadInputException(VectorKernels.WIDTH_PROPERTY + " must be 128, 256 or 512, found " + bits);
        }
    }

    private static boolean modulePresent() {
        return ModuleLayer.boot().findModule(MODULE).isPresent();
    }
}
