///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//JAVA_OPTIONS --add-modules jdk.incubator.vector
//DEPS dev.hyaline:hyaline-analysis:0.1.0
package dev.hyaline.examples;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.analysis.table.TableFiles;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.model.LanguageModel;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** Looks inside: what comes next, and where one head looks, as a picture. */
public final class LookInside {
    private static final int LAYER = 2;
    private static final int HEAD = 4;

    private LookInside() {}

    public static void main(String[] arguments) {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : "look-inside");
        String text = "When Mary and John went to the store, John gave a drink to";
        try (LanguageModel fable = LanguageModel.open("fable")) {
            System.out.println("What comes next: " + fable.likeliest(text, 3));

            ActivationCache cache = fable.record(text, "pattern");
            Tensor pattern = cache.get("pattern", LAYER).at(HEAD); // [query, key]
            System.out.println(pattern);

            List<String> tokens = fable.texts(fable.tokens(text));
            List<String> positions = IntStream.range(0, tokens.size())
                    .mapToObj(position -> position + " " + tokens.get(position))
                    .toList();
            ResultTable table = ResultTable.of(
                    "Where head " + HEAD + " of layer " + LAYER + " looks",
                    "attention",
                    "",
                    List.of(new Axis("from", positions), new Axis("to", positions)),
                    List.of(text),
                    pattern.toDoubleArray());
            System.out.println("Wrote " + TableFiles.write(folder, "pattern", table));
        }
    }
}
