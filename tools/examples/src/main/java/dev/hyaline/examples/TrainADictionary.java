///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//JAVA_OPTIONS --add-modules jdk.incubator.vector
//DEPS dev.hyaline:hyaline-explorer:0.1.0
package dev.hyaline.examples;

import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.train.CorpusData;
import dev.hyaline.analysis.sparse.train.Recipe;
import dev.hyaline.analysis.sparse.train.SaeTrainer;
import dev.hyaline.analysis.sparse.train.Schedule;
import dev.hyaline.analysis.sparse.train.TrainedActivation.TrainedTopK;
import dev.hyaline.analysis.sparse.train.Training;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.explorer.report.LatentPages;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.model.LanguageModel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Trains a sparse autoencoder on the stream after layer 1, and writes its latents as pages. */
public final class TrainADictionary {
    private TrainADictionary() {}

    public static void main(String[] arguments) {
        Path folder = Path.of(arguments.length > 0 ? arguments[0] : "dictionary");
        HookPoint stream = HookPoint.of(Site.RESID_POST, 1);
        try (LanguageModel fable = LanguageModel.open("fable")) {
            PromptEncoder encoder = PromptEncoder.of(fable.tokenizer(), /* begins= */ true);
            List<int[]> texts = Arrays.stream(Task.values())
                    .flatMap(task -> task.draw(encoder, 40, 1).stream())
                    .map(pair -> pair.clean())
                    .toList();
            List<Document> documents =
                    texts.stream().map(tokens -> new Document("text", tokens)).toList();
            Set<Integer> excluded = Set.of(texts.getFirst()[0]); // the token that begins a text is unlike all others
            Training training =
                    Training.of(256, Recipe.of(new TrainedTopK(8, false, false)), Schedule.constant(1e-3), 300, 256);
            try (CorpusData data =
                            CorpusData.of(fable.model(), Corpus.of(documents), stream, stream, excluded, 1, 8192);
                    SaeTrainer trainer = SaeTrainer.begin(training, data, 2)) {
                trainer.run(data, (done, losses, rate, dead) -> {
                    if (done % 100 == 0) {
                        System.out.println("step " + done + "  loss " + losses.total() + ", latents dead " + dead);
                    }
                });
                Attachment attachment =
                        Attachment.of(trainer.autoencoder(SaeMetadata.unknown()), fable.model(), stream, stream);
                Prompts prompts = Prompts.of(fable.config(), texts.toArray(int[][]::new));
                LatentStudy study = LatentStudy.of(fable.model(), attachment, prompts, excluded);
                int[] most = Arrays.copyOf(study.firing(), 20);
                LatentPages.write(
                        study, "fable", most, token -> fable.texts(token).getFirst(), folder, page -> {});
                System.out.println("Open " + folder.resolve("index.html"));
            }
        }
    }
}
