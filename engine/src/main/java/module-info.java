import org.jspecify.annotations.NullMarked;

/** The model: configuration, weights, forward pass, KV cache and sampling. Depends on the JDK alone. */
@SuppressWarnings("module") // the module that runs passes on devices is there only where it is built
@NullMarked
module dev.hyaline.engine {
    requires static jdk.incubator.vector;
    requires static jdk.management;
    requires static transitive org.jspecify;

    exports dev.hyaline.engine;
    exports dev.hyaline.engine.config;
    exports dev.hyaline.engine.error;
    exports dev.hyaline.engine.site;
    exports dev.hyaline.engine.tensor;
    exports dev.hyaline.engine.internal.device to
            dev.hyaline.engine.tornado;
    exports dev.hyaline.engine.internal.forward to
            dev.hyaline.engine.tornado;
    exports dev.hyaline.engine.internal.kernel to
            dev.hyaline.engine.tornado,
            dev.hyaline.instrument,
            dev.hyaline.analysis;
    exports dev.hyaline.engine.internal.parallel to
            dev.hyaline.analysis;

    uses dev.hyaline.engine.internal.device.DeviceProvider;
}
