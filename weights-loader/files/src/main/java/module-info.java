import org.jspecify.annotations.NullMarked;

/** File formats and files that appear whole or not at all, for Hyaline's other modules alone. */
@SuppressWarnings("module") // The modules that it is exported to are compiled after it.
@NullMarked
module dev.hyaline.files {
    requires transitive dev.hyaline.engine;
    requires transitive tools.jackson.core;
    requires static transitive org.jspecify;

    exports dev.hyaline.files to
            dev.hyaline.analysis,
            dev.hyaline.corpora,
            dev.hyaline.datasets,
            dev.hyaline.explorer,
            dev.hyaline.instrument,
            dev.hyaline.weights;
}
