package dev.hyaline.tools;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Autoencoders that the command trains in a test's folder. */
record SaeFixture(Path folder) {
    String path(String name) {
        return folder.resolve(name).toString();
    }

    void train(String out, String... more) {
        train(12, out, more);
    }

    void train(int steps, String out, String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "sae",
                "train",
                "--texts",
                "8",
                "--context",
                "24",
                "--steps",
                String.valueOf(steps),
                "--batch",
                "32",
                "--latents",
                "64",
                "--k",
                "6",
                "--out",
                path(out)));
        arguments.addAll(List.of(more));
        Outcome.of(arguments.toArray(String[]::new)).succeeded();
    }

    static JsonNode json(Path file) {
        return JsonMapper.shared().readTree(file);
    }

    static String[] with(List<String> words, String... more) {
        List<String> all = new ArrayList<>(words);
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }
}
