package dev.hyaline.engine.internal.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.Stream;

/** The scalar kernels and the vector kernels of every width, side by side in one process. */
public final class KernelTwins {
    private static final String VECTOR_PACKAGE = "dev.hyaline.engine.internal.kernel.vector.";
    private static final String WIDTH_PROPERTY = "hyaline.vectorBits";

    public static final Kernels SCALAR = new ScalarKernels();
    public static final List<Kernels> VECTORS =
            Stream.of(128, 256, 512).map(KernelTwins::vector).toList();

    private KernelTwins() {}

    /** The width is fixed when the classes are loaded, so each width gets classes of its own. */
    private static Kernels vector(int bits) {
        String before = System.getProperty(WIDTH_PROPERTY);
        System.setProperty(WIDTH_PROPERTY, Integer.toString(bits));
        try {
            Class<?> kernels = new OwnVectorClasses().loadClass(VECTOR_PACKAGE + "VectorKernels");
            return (Kernels) kernels.getConstructor().newInstance();
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the vector kernels cannot be loaded", e);
        } finally {
            if (before == null) {
                System.clearProperty(WIDTH_PROPERTY);
            } else {
                System.setProperty(WIDTH_PROPERTY, before);
            }
        }
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
