package dev.hyaline.benchmarks;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.CorpusListener;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Tokens a second of a dump of all residual sites of the built-in model, against the same passes with nobody watching,
 * in turn. Arguments: a file of documents, a folder to write to, the number of rounds.
 */
public final class CorpusRate {
    private CorpusRate() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[1]);
        int rounds = Integer.parseInt(arguments[2]);
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable");
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            List<Document> documents = Files.readAllLines(Path.of(arguments[0])).stream()
                    .map(line -> new Document(line, checkpoint.tokenizer().encode("<|endoftext|>" + line)))
                    .toList();
            Corpus corpus = Corpus.of(documents);
            CorpusDump dump = CorpusDump.of(model.config(), HookPoints.select(model.config(), "resid_*"));
            CorpusDump.Forecast forecast = dump.forecast(corpus, tokens -> {});
            double[] plain = new double[rounds];
            double[] dumped = new double[rounds];
            for (int round = -1; round < rounds; round++) { // the first warms up
                long begin = System.nanoTime();
                unwatched(model, documents);
                long middle = System.nanoTime();
                write(model, dump, corpus, forecast, folder);
                long end = System.nanoTime();
                if (round >= 0) {
                    plain[round] = forecast.tokens() * 1e9 / (middle - begin);
                    dumped[round] = forecast.tokens() * 1e9 / (end - middle);
                }
            }
            System.out.println(String.format(
                    Locale.ROOT,
                    "unwatched %.0f tokens/s, dumped %.0f tokens/s, ratios %s",
                    median(plain),
                    median(dumped),
                    IntStream.range(0, rounds)
                            .mapToObj(r -> String.format(Locale.ROOT, "%.2f", dumped[r] / plain[r]))
                            .toList()));
        }
    }

    private static void unwatched(Gpt2 model, List<Document> documents) {
        List<Sequence> batch = new ArrayList<>();
        int tokens = 0;
        for (Document document : documents) {
            if (tokens + document.tokens().length > CorpusDump.BATCH_TOKENS) {
                model.forward(ForwardRequest.of(batch).logits(LogitSelection.none()));
                batch.clear();
                tokens = 0;
            }
            batch.add(Sequence.of(document.tokens()));
            tokens += document.tokens().length;
        }
        model.forward(ForwardRequest.of(batch).logits(LogitSelection.none()));
    }

    private static void write(Gpt2 model, CorpusDump dump, Corpus corpus, CorpusDump.Forecast forecast, Path folder) {
        Provenance provenance = new Provenance("benchmark", List.of(), "fable", List.of(), null, token -> "");
        try (DumpFolder opened = DumpFolder.open(folder, DumpFolder.IfExists.REPLACE)) {
            dump.write(model, corpus, forecast, opened, provenance, CorpusListener.NONE);
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
