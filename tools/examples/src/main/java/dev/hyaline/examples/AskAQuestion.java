///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//JAVA_OPTIONS --add-modules jdk.incubator.vector
//DEPS dev.hyaline:hyaline-explorer:0.1.0
package dev.hyaline.examples;

import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.laboratory.Laboratory;
import dev.hyaline.analysis.laboratory.StudyModel;
import dev.hyaline.analysis.laboratory.StudyProgress;
import dev.hyaline.analysis.laboratory.StudyReport;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.explorer.report.InvestigationReport;
import dev.hyaline.instrument.model.LanguageModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Asks a question: does the task need heads 1.0 and 1.3? A study with a report. */
public final class AskAQuestion {
    private static final String QUESTION = """
        {"format": "hyaline-investigation/1", "title": "Two heads of layer 1", "model": "fable", "seed": 7,
         "behaviour": {"task": "ioi", "metric": "logit-difference", "at": "end"},
         "prompts": {"draw": {"discovery": 24, "held_out": 24}, "units": "IO", "split_by": "names"},
         "claims": [
          {"name": "needed", "do": "ablate", "components": ["1.0", "1.3"], "expect": {"decrease": 2}},
          {"name": "idle", "do": "ablate", "components": ["0.0"], "expect": {"no_effect": 1}, "primary": false}],
         "alternatives": ["random-components"], "sanity": "none", "robustness": "none"}
        """;

    private AskAQuestion() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : "question");
        Files.createDirectories(folder);
        Path file = Files.writeString(folder.resolve("question.json"), QUESTION);
        try (LanguageModel fable = LanguageModel.open("fable")) {
            PromptEncoder encoder = PromptEncoder.of(fable.tokenizer(), /* begins= */ true);
            StudyReport report = Laboratory.of(new StudyModel("fable", fable.model(), encoder, "fable's"))
                    .in(folder.resolve("study"))
                    .page(files -> InvestigationReport.of(files).html().getBytes(StandardCharsets.UTF_8))
                    .run(Investigation.read(file), StudyProgress.NONE);
            report.claims().forEach(claim -> System.out.println(claim.sentence() + ": " + claim.verdict()));
            System.out.println(report.verdict());
            System.out.println(
                    "Open " + folder.resolve("study").resolve("7-report").resolve("report.html"));
        }
    }
}
