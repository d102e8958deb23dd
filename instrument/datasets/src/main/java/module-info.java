import org.jspecify.annotations.NullMarked;

/** Activations as folders of Arrow files, for the trainers that read those. */
@NullMarked
module dev.hyaline.datasets {
    requires dev.hyaline.files;
    requires transitive dev.hyaline.instrument;
    requires flatbuffers.java;
    requires org.apache.arrow.format;
    requires static transitive org.jspecify;

    exports dev.hyaline.datasets;
}
