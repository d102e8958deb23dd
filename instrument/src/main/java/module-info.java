/** Hook points by name, captures, interventions, activation caches and dumps to disk. */
module dev.hyaline.instrument {
    requires transitive dev.hyaline.engine;
    requires dev.hyaline.files;
    requires hipparchus.core;
    requires tools.jackson.databind;

    exports dev.hyaline.instrument;
    exports dev.hyaline.instrument.hook;
    exports dev.hyaline.instrument.weights;
}
