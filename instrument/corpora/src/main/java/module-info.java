import org.jspecify.annotations.NullMarked;

/** Files of corpora that take a library to read. They are found as services: it is enough that this module is there. */
@NullMarked
module dev.hyaline.corpora {
    requires com.github.luben.zstd_jni;
    requires dev.hardwood.core;
    requires dev.hyaline.files;
    requires transitive dev.hyaline.instrument;
    requires java.logging;
    requires static transitive org.jspecify;

    exports dev.hyaline.corpora;

    provides dev.hyaline.instrument.dump.RecordFormat with
            dev.hyaline.corpora.ParquetFormat;
    provides dev.hyaline.instrument.dump.TextCompression with
            dev.hyaline.corpora.ZstdCompression;
}
