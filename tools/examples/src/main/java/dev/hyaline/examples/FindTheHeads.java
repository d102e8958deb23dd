///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//JAVA_OPTIONS --add-modules jdk.incubator.vector
//DEPS dev.hyaline:hyaline-analysis:0.1.0
package dev.hyaline.examples;

import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableFiles;
import dev.hyaline.instrument.model.LanguageModel;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Finds the heads that tell who gets the drink: patches each from a run with another name. */
public final class FindTheHeads {
    private FindTheHeads() {}

    public static void main(String[] arguments) {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : "find-the-heads");
        try (LanguageModel fable = LanguageModel.open("fable")) {
            PromptEncoder encoder = PromptEncoder.of(fable.tokenizer(), /* begins= */ true);
            PromptPairs pairs = PromptPairs.of(fable.config(), Task.IOI_ABBA.draw(encoder, 16, 1));
            Experiment experiment = Experiment.start(fable.model(), pairs, Metric.logitDifference());
            ResultTable table = experiment
                    .sweep(ActivationPatch.ATTN_HEAD_OUT_ALL_POS.sweep(
                            fable.config(), PatchingDirection.DENOISING, pairs))
                    .normalised();
            System.out.println("0 is the corrupted run, 1 the clean one:");
            IntStream.range(0, table.cells())
                    .boxed()
                    .sorted(Comparator.comparingDouble(cell -> -Math.abs(table.mean(cell))))
                    .limit(5)
                    .forEach(cell ->
                            System.out.println("layer " + table.labels(cell).get(0) + " head "
                                    + table.labels(cell).get(1) + "  " + table.mean(cell) + ", standard error "
                                    + table.standardError(cell)));
            System.out.println("Wrote " + TableFiles.write(folder, "heads", table));
        }
    }
}
