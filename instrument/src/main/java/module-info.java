import org.jspecify.annotations.NullMarked;

/** Hook points by name, captures, interventions, activation caches and dumps to disk. */
@NullMarked
module dev.hyaline.instrument {
    requires transitive dev.hyaline.engine;
    requires dev.hyaline.files;
    requires transitive dev.hyaline.weights;
    requires hipparchus.core;
    requires static transitive org.jspecify;

    uses dev.hyaline.instrument.dump.RecordFormat;
    uses dev.hyaline.instrument.dump.RemoteFiles;
    uses dev.hyaline.instrument.dump.TextCompression;

    exports dev.hyaline.instrument;
    exports dev.hyaline.instrument.capture;
    exports dev.hyaline.instrument.check;
    exports dev.hyaline.instrument.dump;
    exports dev.hyaline.instrument.edit;
    exports dev.hyaline.instrument.gradient;
    exports dev.hyaline.instrument.hook;
    exports dev.hyaline.instrument.json;
    exports dev.hyaline.instrument.model;
    exports dev.hyaline.instrument.run;
    exports dev.hyaline.instrument.training;
    exports dev.hyaline.instrument.weights;
}
