/** File formats and files that appear whole or not at all, for Hyaline's other modules alone. */
@SuppressWarnings("module") // The modules that it is exported to are compiled after it.
module dev.hyaline.files {
    requires transitive dev.hyaline.engine;
    requires transitive tools.jackson.core;

    exports dev.hyaline.files to
            dev.hyaline.analysis,
            dev.hyaline.instrument,
            dev.hyaline.weights;
}
