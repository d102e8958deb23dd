import org.jspecify.annotations.NullMarked;

/**
 * Causal analysis of a model on pairs of prompts: activation and path patching, ablation, the logit lens, direct logit
 * attribution, attention heads by where they look, and tables of the results.
 */
@NullMarked
module dev.hyaline.analysis {
    requires dev.hyaline.files;
    requires transitive dev.hyaline.instrument;
    requires transitive dev.hyaline.weights;
    requires transitive tools.jackson.core;
    requires hipparchus.core;
    requires java.desktop;
    requires org.apache.commons.numbers.gamma;
    requires org.apache.commons.statistics.distribution;
    requires static transitive org.jspecify;

    exports dev.hyaline.analysis;
    exports dev.hyaline.analysis.attention;
    exports dev.hyaline.analysis.causal;
    exports dev.hyaline.analysis.circuit;
    exports dev.hyaline.analysis.dictionary;
    exports dev.hyaline.analysis.graph;
    exports dev.hyaline.analysis.investigation;
    exports dev.hyaline.analysis.investigation.alternative;
    exports dev.hyaline.analysis.investigation.discovery;
    exports dev.hyaline.analysis.investigation.force;
    exports dev.hyaline.analysis.investigation.mechanism;
    exports dev.hyaline.analysis.laboratory;
    exports dev.hyaline.analysis.lens;
    exports dev.hyaline.analysis.metric;
    exports dev.hyaline.analysis.picture;
    exports dev.hyaline.analysis.probe;
    exports dev.hyaline.analysis.prompt;
    exports dev.hyaline.analysis.robustness;
    exports dev.hyaline.analysis.sanity;
    exports dev.hyaline.analysis.sparse;
    exports dev.hyaline.analysis.sparse.feature;
    exports dev.hyaline.analysis.sparse.file;
    exports dev.hyaline.analysis.sparse.measure;
    exports dev.hyaline.analysis.sparse.splice;
    exports dev.hyaline.analysis.sparse.train;
    exports dev.hyaline.analysis.statistics;
    exports dev.hyaline.analysis.statistics.association;
    exports dev.hyaline.analysis.statistics.compare;
    exports dev.hyaline.analysis.statistics.power;
    exports dev.hyaline.analysis.superposition;
    exports dev.hyaline.analysis.table;
}
