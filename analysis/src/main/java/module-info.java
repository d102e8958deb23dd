/** Lenses, attribution, ablation, patching, circuits, sparse coding, statistics and reports. */
module dev.hyaline.analysis {
    requires transitive dev.hyaline.instrument;

    exports dev.hyaline.analysis;
}
