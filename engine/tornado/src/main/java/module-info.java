/** The engine's forward pass on devices through TornadoVM. */
module dev.hyaline.engine.tornado {
    requires dev.hyaline.engine;
    requires tornado.api;

    // TornadoVM finds the kernels by reflection.
    opens dev.hyaline.engine.tornado;

    provides dev.hyaline.engine.internal.device.DeviceProvider with
            dev.hyaline.engine.tornado.TornadoProvider;
}
