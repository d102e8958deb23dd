/** The model: configuration, weights, forward pass, KV cache and sampling. Depends on the JDK alone. */
module dev.hyaline.engine {
    requires static jdk.incubator.vector;
    requires static jdk.management;

    exports dev.hyaline.engine;
    exports dev.hyaline.engine.site;

    uses dev.hyaline.engine.internal.device.DeviceProvider;
}
