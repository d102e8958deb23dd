import org.jspecify.annotations.NullMarked;

/** Checkpoints on disk to engine weights, tokenizers, and the built-in model. */
@NullMarked
module dev.hyaline.weights {
    requires transitive dev.hyaline.engine;
    requires dev.hyaline.files;
    requires java.net.http;
    requires jtokkit;
    requires static transitive org.jspecify;

    exports dev.hyaline.weights;
    exports dev.hyaline.weights.hub;
}
