///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//JAVA_OPTIONS --add-modules jdk.incubator.vector
//DEPS dev.hyaline:hyaline-instrument:0.1.0
package dev.hyaline.examples;

import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.model.LanguageModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Changes its mind: adds what tells two names apart to the stream at the name, and lets the model write on. */
public final class ChangeItsMind {
    private static final String SITE = "resid_post1";
    private static final int NAME = 1; // its position: the token that begins a text is at 0

    private ChangeItsMind() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : "change-its-mind");
        String text = "Tom went to the park because";
        try (LanguageModel fable = LanguageModel.open("fable")) {
            float[] she = ofName(fable, "Anna went to the park because");
            float[] he = ofName(fable, text);
            float[] difference = new float[she.length];
            for (int i = 0; i < difference.length; i++) {
                difference[i] = she[i] - he[i];
            }
            List<String> lines = new ArrayList<>();
            for (float coefficient : new float[] {0, 0.5f, 1, 2}) {
                Interventions steering =
                        Interventions.of(Intervention.add(Target.named(SITE).positions(NAME), coefficient, difference));
                lines.add(coefficient + " times: " + text + fable.generate(text, 8, steering)); // uses the KV cache
            }
            lines.forEach(System.out::println);
            Files.createDirectories(folder);
            System.out.println("Wrote " + Files.write(folder.resolve("steered.txt"), lines));
        }
    }

    private static float[] ofName(LanguageModel model, String text) {
        return model.record(text, SITE).get(SITE).at(NAME).toArray(); // of [position, width]
    }
}
