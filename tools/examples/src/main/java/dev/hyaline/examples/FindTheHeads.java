///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//JAVA_OPTIONS --add-modules jdk.incubator.vector
//DEPS dev.hyaline:hyaline-analysis:0.1.0
package dev.hyaline.examples;

import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableFiles;
import dev.hyaline.instrument.model.LanguageModel;
import java.nio.file.Path;

/** Finds the heads that tell who gets the drink: patches each from a run with another name. */
public final class FindTheHeads {
    private FindTheHeads() {}

    public static void main(String[] arguments) {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : "find-the-heads");
        try (LanguageModel fable = LanguageModel.open("fable")) {
            PromptPairs pairs = PromptPairs.draw(fable, Task.IOI_ABBA, 16, 1);
            Experiment experiment = Experiment.start(fable.model(), pairs, Metric.logitDifference());
            ResultTable table =
                    experiment.patch(ActivationPatch.ATTN_HEAD_OUT_ALL_POS).normalised();
            System.out.println("0 is the corrupted run, 1 the clean one; layer, head:");
            table.top(5).forEach(System.out::println);
            System.out.println("Wrote " + TableFiles.write(folder, "heads", table));
        }
    }
}
