import org.jspecify.annotations.NullMarked;

/** Results as pages: HTML files that open in a browser without a network, and a server of pages that run a model. */
@NullMarked
module dev.hyaline.explorer {
    requires transitive dev.hyaline.analysis;
    requires dev.hyaline.files;
    requires jdk.httpserver;
    requires static transitive org.jspecify;

    exports dev.hyaline.explorer;
    exports dev.hyaline.explorer.data;
    exports dev.hyaline.explorer.live;
    exports dev.hyaline.explorer.plot;
    exports dev.hyaline.explorer.report;
    exports dev.hyaline.explorer.view;
}
