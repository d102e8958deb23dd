import org.jspecify.annotations.NullMarked;

/** The engine's forward pass on devices through TornadoVM. */
@NullMarked
module dev.hyaline.engine.tornado {
    requires dev.hyaline.engine;
    requires tornado.api;
    requires static transitive org.jspecify;

    // TornadoVM finds the kernels by reflection.
    opens dev.hyaline.engine.tornado;

    provides dev.hyaline.engine.internal.device.DeviceProvider with
            dev.hyaline.engine.tornado.TornadoProvider;
}
