package dev.hyaline.instrument.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.FloatCodec;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.TensorFiles;
import dev.hyaline.instrument.TensorFiles.Tensor;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

public final class CorpusDumpTest {
    static final int BOS = 60;
    static final List<HookPoint> POINTS = HookPoints.select(Models.CONFIG, "resid_post", "z", "ln2.scale", "mlp_post1");
    /** A row of {@link #POINTS} in float32 has 628 bytes: shards of 50 rows. */
    public static final CorpusDump DUMP =
            CorpusDump.of(Models.CONFIG, POINTS).shardBytes(50 * 628).batchTokens(70);

    @TempDir
    private Path temporary;

    /** Documents of 1 to 48 tokens, begun with BOS. */
    public static Corpus corpus(int documents, long seed) {
        Random random = new Random(seed);
        List<Document> list = new ArrayList<>();
        for (int d = 0; d < documents; d++) {
            int[] tokens = random.ints(1 + random.nextInt(48), 0, BOS).toArray();
            tokens[0] = BOS;
            list.add(new Document("line " + (d + 1), tokens));
        }
        return Corpus.of(list);
    }

    public static Provenance provenance() {
        return new Provenance(
                "hyaline test",
                List.of("hyaline", "dump"),
                "small",
                List.of(new Provenance.ModelFile("model.safetensors", 5, "ab")),
                BOS,
                token -> "");
    }

    public static CorpusDump.CorpusSummary write(CorpusDump dump, Corpus corpus, Path folder, IfExists ifExists) {
        try (Gpt2 model = Models.small();
                DumpFolder opened = DumpFolder.open(folder, ifExists, FailingDisk.large())) {
            CorpusDump.Forecast forecast = dump.forecast(corpus, tokens -> {});
            return dump.write(model, corpus, forecast, opened, provenance(), CorpusListener.NONE);
        }
    }

    static Map<String, byte[]> files(Path folder) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> list = Files.list(folder)) {
            for (Path file : list.toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return files;
    }

    /** A row that a dump should have, by a plain reading of the rules. */
    private record Row(int document, int position, int token) {}

    private static List<Row> expectedRows(Corpus corpus, CorpusDump dump) {
        List<Row> rows = new ArrayList<>();
        List<Document> documents = corpus.documents().toList();
        long candidates = 0;
        for (int d = 0; d < documents.size(); d++) {
            int[] tokens = documents.get(d).tokens();
            for (int start = 0; start < tokens.length; start += Models.CONFIG.nCtx()) {
                int length = Math.min(Models.CONFIG.nCtx(), tokens.length - start);
                for (int p : dump.filter().positions().in(length, "position")) {
                    int token = tokens[start + p];
                    boolean skipped =
                            start + p == 0 && Objects.equals(dump.filter().skippedFirst(), token);
                    if (!skipped && candidates++ % dump.filter().every() == 0) {
                        rows.add(new Row(d, start + p, token));
                    }
                }
                if (dump.longDocuments() == LongDocuments.TRUNCATE) {
                    break;
                }
            }
        }
        return rows;
    }

    /** Reads shards with nothing of this module and compares every value with a pass over its document alone. */
    private static void assertHolds(CorpusDump dump, Corpus corpus, CorpusDump.CorpusSummary written)
            throws IOException {
        List<Row> expected = expectedRows(corpus, dump);
        List<Document> documents = corpus.documents().toList();
        List<Row> found = new ArrayList<>();
        try (Gpt2 model = Models.small()) {
            Map<Integer, Map<HookPoint, float[]>> passes = new TreeMap<>();
            for (Path shard : written.shards()) {
                Map<String, Tensor> tensors = TensorFiles.read(shard);
                long[] document = tensors.get("documents").integers();
                long[] position = tensors.get("positions").integers();
                long[] token = tensors.get("tokens").integers();
                for (int r = 0; r < document.length; r++) {
                    found.add(new Row((int) document[r], (int) position[r], (int) token[r]));
                }
                for (HookPoint point : dump.points()) {
                    int width = point.site().shape().width(Models.CONFIG);
                    float[] values = new float[document.length * width];
                    for (int r = 0; r < document.length; r++) {
                        int context = Models.CONFIG.nCtx();
                        int start = (int) position[r] / context * context;
                        int[] tokens = documents.get((int) document[r]).tokens();
                        float[] pass = passes.computeIfAbsent(
                                        (int) document[r] * 1000 + start,
                                        key -> Models.everything(
                                                model,
                                                Arrays.copyOfRange(
                                                        tokens, start, Math.min(tokens.length, start + context))))
                                .get(point);
                        System.arraycopy(pass, ((int) position[r] - start) * width, values, r * width, width);
                    }
                    assertThat(tensors.get(point.name()).floats())
                            .as(point.name())
                            .isEqualTo(rounded(values, dump.type()));
                }
            }
        }
        assertThat(found).isEqualTo(expected);
    }

    private static float[] rounded(float[] values, ElementType type) {
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (type) {
                case F16 -> Float.float16ToFloat(Float.floatToFloat16(values[i]));
                case BF16 -> FloatCodec.rounded(Dtype.BF16, values[i]);
                default -> values[i];
            };
        }
        return values;
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void shardsHoldWhatTheModelComputes(ElementType type) throws IOException {
        Corpus corpus = corpus(12, 1);
        CorpusDump dump = DUMP.type(type);
        CorpusDump.CorpusSummary written = write(dump, corpus, temporary, IfExists.REFUSE);
        CorpusDump.Forecast forecast = dump.forecast(corpus, tokens -> {});
        assertThat(written.shards()).hasSize((int) forecast.shards());
        assertThat(forecast.shards()).isGreaterThan(3);
        assertThat(written.bytes())
                .isEqualTo(forecast.bytes())
                .isEqualTo(written.shards().stream()
                        .mapToLong(file -> file.toFile().length())
                        .sum());
        assertThat(written.resumedRows()).isZero();
        assertHolds(dump, corpus, written);
        assertThat(files(temporary).keySet())
                .containsExactlyInAnyOrderElementsOf(Stream.concat(
                                Stream.of("manifest.json"),
                                written.shards().stream()
                                        .map(file -> file.getFileName().toString()))
                        .toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"all", "last", "0-4,last", "1--1,0"})
    void filtersChooseRows(String positions) throws IOException {
        Corpus corpus = corpus(12, 2);
        for (TokenFilter filter : List.of(
                TokenFilter.all(),
                TokenFilter.all().skippingFirst(BOS),
                TokenFilter.all().every(7),
                TokenFilter.all().skippingFirst(BOS).every(3))) {
            CorpusDump dump = DUMP.filter(filter.positions(IndexSelection.parse(positions)));
            assertHolds(dump, corpus, write(dump, corpus, temporary, IfExists.REPLACE));
        }
    }

    @Test
    void longDocumentsAreRefusedCutOrTruncated() throws IOException {
        Corpus corpus = Corpus.of(List.of(
                new Document("short", new int[] {BOS, 1, 2}),
                new Document("long", new Random(3).ints(130, 0, BOS).toArray()),
                new Document("exact", new Random(4).ints(48, 0, BOS).toArray())));
        assertThatThrownBy(() -> write(DUMP, corpus, temporary, IfExists.REFUSE))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith("long has 130 tokens, but the model has 48 positions")
                .hasMessageContaining("LongDocuments.SPLIT or TRUNCATE");
        for (LongDocuments rule : List.of(LongDocuments.SPLIT, LongDocuments.TRUNCATE)) {
            CorpusDump dump = DUMP.longDocuments(rule);
            CorpusDump.CorpusSummary written = write(dump, corpus, temporary, IfExists.REPLACE);
            assertHolds(dump, corpus, written);
            assertThat(dump.forecast(corpus, tokens -> {}).rows()).isEqualTo(rule == LongDocuments.SPLIT ? 181 : 99);
        }
    }

    @Test
    void everyShapeButAttentionMapsCanBeDumped() throws IOException {
        List<HookPoint> all = HookPoint.all(Models.CONFIG).stream()
                .filter(point -> point.site().shape() != Site.Shape.ATTENTION)
                .toList();
        CorpusDump dump = CorpusDump.of(Models.CONFIG, all);
        Corpus corpus = corpus(4, 5);
        assertHolds(dump, corpus, write(dump, corpus, temporary, IfExists.REFUSE));
        CorpusDump thin = dump.filter(TokenFilter.all().every(5)).batchTokens(1000);
        assertHolds(thin, corpus, write(thin, corpus, temporary, IfExists.REPLACE));

        for (String name : List.of("pattern1", "attn_scores")) {
            assertThatThrownBy(() -> CorpusDump.of(Models.CONFIG, HookPoints.select(Models.CONFIG, "z", name)))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("cannot go to shards: it has a value for every query and key");
        }
    }

    /** A pass stops where nothing more is asked for: each point by itself must still be reached. */
    @Test
    void everyPointAloneIsReached() throws IOException {
        Corpus corpus = corpus(2, 6);
        for (HookPoint point : HookPoint.all(Models.CONFIG)) {
            if (point.site().shape() != Site.Shape.ATTENTION) {
                CorpusDump dump = CorpusDump.of(Models.CONFIG, List.of(point));
                assertHolds(dump, corpus, write(dump, corpus, temporary, IfExists.REPLACE));
            }
        }
    }

    @Test
    void neitherPassesNorThreadsChangeAByte() throws IOException {
        Corpus corpus = corpus(10, 7);
        write(DUMP, corpus, temporary.resolve("a"), IfExists.REFUSE);
        write(DUMP.batchTokens(1), corpus, temporary.resolve("b"), IfExists.REFUSE);
        assertThat(files(temporary.resolve("b"))).containsExactlyEntriesOf(files(temporary.resolve("a")));
        try (Gpt2 model = Gpt2.of(Gpt2Weights.random(Models.CONFIG, 7), 3);
                DumpFolder folder = DumpFolder.open(temporary.resolve("c"), IfExists.REFUSE)) {
            CorpusDump dump = DUMP.batchTokens(100_000);
            dump.write(model, corpus, dump.forecast(corpus, tokens -> {}), folder, provenance(), CorpusListener.NONE);
        }
        Map<String, byte[]> three = files(temporary.resolve("c"));
        three.put("manifest.json", files(temporary.resolve("a")).get("manifest.json"));
        assertThat(three).containsExactlyEntriesOf(files(temporary.resolve("a")));
    }

    @Test
    void headsAndNeuronsAreChosen() throws IOException {
        Corpus corpus = corpus(9, 12);
        CorpusDump dump = DUMP.heads(IndexSelection.parse("1,3")).neurons(IndexSelection.parse("-2-last,5"));
        CorpusDump.CorpusSummary written = write(dump, corpus, temporary, IfExists.REFUSE);
        HookPoint z = HookPoint.of(Site.Z, 1);
        HookPoint post = HookPoint.of(Site.MLP_POST, 1);
        try (Gpt2 model = Models.small();
                ActivationStore store = ActivationStore.open(temporary)) {
            assertThat(store.heads()).isEqualTo(IndexSelection.parse("1,3"));
            assertThat(store.rowShape(z)).containsExactly(2L, 5L);
            assertThat(store.rowShape(post)).containsExactly(3L);
            List<Document> documents = corpus.documents().toList();
            for (int d = 0; d < documents.size(); d++) {
                Map<HookPoint, float[]> pass =
                        Models.everything(model, documents.get(d).tokens());
                for (int p = 0; p < documents.get(d).tokens().length; p++) {
                    float[] heads = new float[10];
                    float[] neurons = new float[3];
                    long row = store.row(d, p).orElseThrow();
                    store.read(z, row, 1, heads, 0);
                    store.read(post, row, 1, neurons, 0);
                    assertThat(heads)
                            .startsWith(Arrays.copyOfRange(pass.get(z), p * 20 + 5, p * 20 + 10))
                            .endsWith(Arrays.copyOfRange(pass.get(z), p * 20 + 15, p * 20 + 20));
                    float[] all = pass.get(post); // [tokens, 28]
                    assertThat(neurons).containsExactly(all[p * 28 + 5], all[p * 28 + 26], all[p * 28 + 27]);
                }
            }
            assertThatThrownBy(() -> store.source())
                    .hasMessageContaining("the dump holds only heads 1,3 and neurons -2-last,5, but");
        }
        JsonNode manifest = JsonMapper.shared().readTree(written.manifest());
        assertThat(manifest.at("/capture/heads").asString()).isEqualTo("1,3");
        assertThat(manifest.at("/capture/neurons").asString()).isEqualTo("-2-last,5");
        assertThatThrownBy(() -> write(DUMP, corpus, temporary, IfExists.RESUME))
                .hasMessageContaining("capture.heads was \"1,3\" and is now \"all\"");
    }

    @Test
    void manifestSaysHowToMakeItAgain() throws Exception {
        Corpus corpus = corpus(10, 8);
        CorpusDump dump = DUMP.type(ElementType.BF16)
                .filter(TokenFilter.all()
                        .positions(IndexSelection.parse("0-9"))
                        .skippingFirst(BOS)
                        .every(2))
                .longDocuments(LongDocuments.SPLIT);
        CorpusDump.CorpusSummary written = write(dump, corpus, temporary, IfExists.REFUSE);
        JsonNode manifest = JsonMapper.shared().readTree(written.manifest());
        assertThat(manifest.get("format").asString()).isEqualTo("hyaline-shards/1");
        assertThat(manifest.at("/model/name").asString()).isEqualTo("small");
        assertThat(manifest.at("/model/config/n_layer").asInt()).isEqualTo(3);
        assertThat(manifest.at("/model/files/0/sha256").asString()).isEqualTo("ab");
        assertThat(manifest.get("token_prepended_to_text").asInt()).isEqualTo(BOS);
        assertThat(manifest.at("/corpus/documents").asInt()).isEqualTo(10);
        assertThat(manifest.at("/corpus/sha256").asString()).hasSize(64);
        assertThat(manifest.at("/capture/points")).hasSize(POINTS.size());
        assertThat(manifest.at("/capture/positions").asString()).isEqualTo("0-9");
        assertThat(manifest.at("/capture/skipped_first_token").asInt()).isEqualTo(BOS);
        assertThat(manifest.at("/capture/every").asInt()).isEqualTo(2);
        assertThat(manifest.at("/capture/long_documents").asString()).isEqualTo("split");
        assertThat(manifest.at("/activations/dtype").asString()).isEqualTo("bf16");
        assertThat(manifest.at("/activations/tensors/0/row_shape/0").asInt()).isPositive();
        assertThat(manifest.at("/environment/threads").asInt()).isEqualTo(1);
        assertThat(manifest.get("shards")).hasSize(written.shards().size());
        for (int s = 0; s < written.shards().size(); s++) {
            byte[] bytes = Files.readAllBytes(written.shards().get(s));
            assertThat(manifest.at("/shards/" + s + "/bytes").asInt()).isEqualTo(bytes.length);
            assertThat(manifest.at("/shards/" + s + "/sha256").asString())
                    .isEqualTo(HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
        }
    }

    @Test
    void refusesWhatCannotBeDumped() {
        List<HookPoint> z = HookPoints.select(Models.CONFIG, "z");
        assertThatThrownBy(() -> CorpusDump.of(Models.CONFIG, List.of()))
                .hasMessageContaining("at least one hook point");
        assertThatThrownBy(() -> CorpusDump.of(Models.CONFIG, z).type(ElementType.I64))
                .hasMessageContaining("cannot be written as integers");
        assertThatThrownBy(() -> CorpusDump.of(Models.CONFIG, z).shardBytes(0))
                .hasMessageContaining("at least one byte");
        assertThatThrownBy(() -> CorpusDump.of(Models.CONFIG, z).batchTokens(0))
                .hasMessageContaining("at least one token");
        assertThatThrownBy(() -> CorpusDump.of(Models.CONFIG, z).neurons(IndexSelection.parse("0")))
                .hasMessageContaining("no hook point asked for has neurons");
        assertThatThrownBy(() -> CorpusDump.of(Models.CONFIG, z).heads(IndexSelection.parse("9")))
                .hasMessageContaining("there is no head 9");
        assertThatThrownBy(() -> TokenFilter.all().every(0)).hasMessageContaining("at least 1, found 0");
        CorpusDump dump = CorpusDump.of(Models.CONFIG, z);
        record Bad(Corpus corpus, String message) {}
        for (Bad bad : List.of(
                new Bad(Corpus.of(List.of()), "there is no document"),
                new Bad(Corpus.of(List.of(new Document("here", new int[0]))), "here is empty"),
                new Bad(Corpus.of(List.of(new Document("here", new int[] {61}))), "here holds token 61"),
                new Bad(Corpus.of(List.of(new Document("here", new int[] {-1}))), "here holds token -1"))) {
            assertThatThrownBy(() -> dump.forecast(bad.corpus, tokens -> {}))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining(bad.message);
        }
        Corpus one = Corpus.of(List.of(new Document("here", new int[] {BOS})));
        assertThatThrownBy(
                        () -> dump.filter(TokenFilter.all().skippingFirst(BOS)).forecast(one, tokens -> {}))
                .hasMessageContaining("no token of the corpus passes the filters");
        assertThatThrownBy(() -> dump.filter(TokenFilter.all().positions(IndexSelection.parse("1")))
                        .forecast(one, tokens -> {}))
                .hasMessageContaining("here: there is no position 1");
    }

    @Test
    void aCorpusThatChangesBetweenItsReadingsIsFound() {
        Corpus before = corpus(10, 9);
        for (Corpus after : List.of(corpus(10, 10), corpus(9, 9), corpus(11, 9))) {
            assertThatThrownBy(() -> {
                        try (Gpt2 model = Models.small();
                                DumpFolder folder = DumpFolder.open(temporary, IfExists.REPLACE)) {
                            CorpusDump.Forecast forecast = DUMP.forecast(before, tokens -> {});
                            DUMP.write(model, after, forecast, folder, provenance(), CorpusListener.NONE);
                        }
                    })
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("the corpus changed while it was read");
            assertThat(temporary.resolve("manifest.json")).doesNotExist();
        }
    }

    @Test
    void progressCountsEveryTokenOnce() {
        Corpus corpus = corpus(20, 11);
        CorpusDump dump = DUMP.filter(TokenFilter.all().every(9));
        CorpusDump.Forecast forecast = dump.forecast(corpus, tokens -> {});
        long[] counts = new long[2];
        try (Gpt2 model = Models.small();
                DumpFolder folder = DumpFolder.open(temporary, IfExists.REFUSE)) {
            dump.write(model, corpus, forecast, folder, provenance(), new CorpusListener() {
                @Override
                public void skipped(long tokens) {
                    counts[0] += tokens;
                }

                @Override
                public void done(long tokens) {
                    counts[1] += tokens;
                }
            });
        }
        assertThat(counts[0] + counts[1]).isEqualTo(forecast.tokens());
        assertThat(counts[1]).isPositive();
        assertThat(forecast.tokens())
                .isEqualTo(corpus.documents()
                        .flatMapToInt(d -> IntStream.of(d.tokens().length))
                        .sum());
    }
}
