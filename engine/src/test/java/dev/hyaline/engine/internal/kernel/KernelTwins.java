package dev.hyaline.engine.internal.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The scalar kernels and the vector kernels of every width and shape of tiles, side by side in one process. */
public final class KernelTwins {
    private static final String VECTOR_PACKAGE = "dev.hyaline.engine.internal.kernel.vector.";
    private static final String WIDTH_PROPERTY = "hyaline.vectorBits";

    public static final Kernels SCALAR = new ScalarKernels();
    public static final List<Kernels> VECTORS = Stream.of(128, 256, 512)
            .flatMap(bits -> Arrays.stream(TileShape.values()).map(shape -> vector(bits, shape)))
            .toList();

    /** Those that emulate a fused multiply-add, of either width. */
    public static final List<Kernels> EMULATED =
            Stream.of(128, 256).map(KernelTwins::emulated).toList();

    private KernelTwins() {}

    private static Kernels emulated(int bits) {
        String before = System.setProperty(WIDTH_PROPERTY, Integer.toString(bits));
        try {
            Class<?> kernels = new OwnVectorClasses().loadClass(VECTOR_PACKAGE + "EmulatedKernels");
            Kernels twin = (Kernels) kernels.getConstructor().newInstance();
            if (!twin.name().equals("emulated" + bits)) {
                throw new IllegalStateException("wanted " + bits + " bits, found " + twin.name());
            }
            return twin;
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the emulated kernels cannot be loaded", e);
        } finally {
            restore(WIDTH_PROPERTY, before);
        }
    }

    /** Both properties are read when the classes are loaded, so each pair of them gets classes of its own. */
    private static Kernels vector(int bits, TileShape shape) {
        String bitsBefore = System.setProperty(WIDTH_PROPERTY, Integer.toString(bits));
        String shapeBefore = System.setProperty(TileShape.PROPERTY, shape.toString());
        try {
            Class<?> kernels = new OwnVectorClasses().loadClass(VECTOR_PACKAGE + "VectorKernels");
            Kernels twin = (Kernels) kernels.getConstructor().newInstance();
            if (twin.rowsTogether() != shape.rows() || !twin.name().endsWith(Integer.toString(bits))) {
                throw new IllegalStateException("wanted " + bits + " bits and " + shape + ", found " + name(twin));
            }
            return twin;
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the vector kernels cannot be loaded", e);
        } finally {
            restore(WIDTH_PROPERTY, bitsBefore);
            restore(TileShape.PROPERTY, shapeBefore);
        }
    }

    private static void restore(String property, @Nullable String before) {
        if (before == null) {
            System.clearProperty(property);
        } else {
            System.setProperty(property, before);
        }
    }

    /** A name for messages of tests. */
    public static String name(Kernels kernels) {
        return kernels.name() + " in tiles of " + kernels.rowsTogether() + " rows and "
                + kernels.panelsTogether(kernels.rowsTogether()) + " panels";
    }

    private static final class OwnVectorClasses extends ClassLoader {
        OwnVectorClasses() {
            super(Kernels.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith(VECTOR_PACKAGE)) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded == null ? define(name) : loaded;
            }
        }

        private Class<?> define(String name) throws ClassNotFoundException {
            try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
                if (in == null) {
                    throw new ClassNotFoundException(name);
                }
                byte[] bytes = in.readAllBytes();
                return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
