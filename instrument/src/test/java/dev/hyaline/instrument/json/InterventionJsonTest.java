package dev.hyaline.instrument.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.CorpusDumpTest;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.Dump;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.DumpReader;
import dev.hyaline.instrument.dump.DumpTest;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.instrument.run.RandomEdits;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Interventions as JSON mean what they mean as Java. */
class InterventionJsonTest {
    private static String json(String... interventions) {
        return "{\"format\":\"hyaline-interventions/1\",\"interventions\":[" + String.join(",", interventions) + "]}";
    }

    @Property(tries = 60)
    void whatIsWrittenIsReadBackAndDoesTheSame(@ForAll long seed) {
        RandomEdits some = new RandomEdits(seed);
        try (Gpt2 model = some.model(1)) {
            some.record(model);
            SequenceEdit edit = some.edit();
            if (edit.interventions().list().stream().anyMatch(Intervention.Custom.class::isInstance)) {
                assertThatThrownBy(() -> InterventionJson.write(edit.interventions()))
                        .isInstanceOf(BadInputException.class)
                        .hasMessageEndingWith("is Java code and cannot be written as JSON");
                return;
            }
            String json = InterventionJson.write(edit.interventions());
            Interventions read = InterventionJson.parse(json);
            assertThat(InterventionJson.write(read)).isEqualTo(json);
            BaseRun run = BaseRun.record(model, some.prompts());
            List<RerunResult> results = run.rerun(List.of(edit, new SequenceEdit(edit.sequence(), read)))
                    .logits(LogitSelection.all())
                    .results();
            assertThat(results.get(1).logits()).isEqualTo(results.get(0).logits());
        }
    }

    @Test
    void indicesMayBeAList() {
        Interventions read =
                InterventionJson.parse(json("{\"do\":\"zero\",\"site\":\"z\",\"heads\":[1,-1],\"layers\":[2]}"));
        assertThat(read)
                .isEqualTo(Interventions.of(
                        Intervention.zero(Target.of(Site.Z).layers(2).heads(1, -1))));
        for (String bad : List.of("[]", "[1.5]", "[\"1\"]", "[[1]]", "true")) {
            assertThatThrownBy(() ->
                            InterventionJson.parse(json("{\"do\":\"zero\",\"site\":\"z\",\"heads\":" + bad + "}")))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("heads");
        }
    }

    @Test
    void aFileOfOneVectorNeedsNoName(@TempDir Path folder) throws IOException {
        byte[] header =
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n".getBytes(StandardCharsets.US_ASCII);
        ByteBuffer npy = ByteBuffer.allocate(10 + header.length + 8).order(ByteOrder.LITTLE_ENDIAN);
        npy.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0})
                .putShort((short) header.length)
                .put(header);
        npy.putFloat(0.5f).putFloat(-2);
        Path file = Files.write(folder.resolve("v.npy"), npy.array());
        assertThat(Direction.read(file)).isEqualTo(Direction.of(0.5f, -2));
        Path cut = Files.write(folder.resolve("cut.npy"), Arrays.copyOf(npy.array(), npy.capacity() - 1));
        assertThatThrownBy(() -> Direction.read(cut))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("cut.npy")
                .hasMessageContaining("bytes for 2 values");
        for (String shape : List.of("(2, 1)", "()", "(0,)", "(99999999999,)")) {
            byte[] other = new String(npy.array(), StandardCharsets.ISO_8859_1)
                    .replace(
                            "(1, 2), }", (shape + ", }" + " ".repeat(20)).substring(0, Math.max(9, shape.length() + 3)))
                    .getBytes(StandardCharsets.ISO_8859_1);
            other[8] = (byte) (other.length - 18);
            Path odd = Files.write(folder.resolve("odd.npy"), other);
            assertThatThrownBy(() -> Direction.read(odd))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("one row of values");
        }
    }

    @Test
    void valuesComeFromDumpsAndFiles(@TempDir Path folder) throws IOException {
        Prompts reference = Models.prompts(5, 7);
        Prompts sameLength = Prompts.of(Models.CONFIG, reference.tokens(1), reference.tokens(1));
        Prompts edited = Prompts.of(Models.CONFIG, new int[] {1, 2, 3, 4, 5}, new int[] {9, 8, 7, 6, 5, 4, 3});
        try (Gpt2 model = Models.small()) {
            for (Prompts prompts : List.of(reference, sameLength)) {
                Path dump = folder.resolve(prompts == reference ? "ragged" : "batch");
                Capture capture = Capture.of(Models.CONFIG, "resid_pre", "z", "pattern", "q_input");
                Supplier<Provenance> provenance = DumpTest::provenance;
                try (DumpFolder out = DumpFolder.open(dump, DumpFolder.IfExists.REFUSE)) {
                    Dump.of(Models.CONFIG, prompts, capture)
                            .write(model, out, provenance, (point, sequence, values, offset, length) -> {});
                }
                ActivationSource cache =
                        ActivationCache.record(model, prompts, capture).source();
                for (Site site : List.of(Site.RESID_PRE, Site.Z, Site.PATTERN, Site.Q_INPUT)) {
                    Target target = Target.of(site, 1).positions(2, 4);
                    Interventions direct = Interventions.of(Intervention.patch(target, cache));
                    Interventions read = InterventionJson.parse(json("{\"do\":\"patch\",\"site\":\"blocks.1."
                            + site.localName() + "\",\"positions\":\"2,4\",\"source\":{\"dump\":\""
                            + dump.toString().replace("\\", "\\\\") + "\"}}"));
                    LogitSelection all = LogitSelection.all();
                    float[] expected =
                            EditedModel.of(model, direct).forward(edited, all).logits();
                    assertThat(EditedModel.of(model, read).forward(edited, all).logits())
                            .as(site.localName())
                            .isEqualTo(expected);
                    assertThat(EditedModel.of(model, rewritten(read))
                                    .forward(edited, all)
                                    .logits())
                            .isEqualTo(expected);
                }
                Path json = folder.resolve("edits.json");
                Files.writeString(
                        json,
                        json("{\"do\":\"add\",\"site\":\"resid_pre\",\"vector\":{\"file\":\"" + dump.getFileName()
                                + "/activations.safetensors\",\"tensor\":\"blocks.1.hook_resid_pre\",\"row\":3}}"));
                Intervention.Add add = (Intervention.Add)
                        InterventionJson.read(json, Map.of()).list().getFirst();
                float[] expected = new float[20];
                cache.read(new Slot(HookPoint.of(Site.RESID_PRE, 1), 0, 3, Slot.NO_HEAD), expected);
                assertThat(add.vector().values()).isEqualTo(expected);
                assertThat(rewritten(Interventions.of(add)).list().getFirst()).isEqualTo(add);
            }
        }
    }

    private static Interventions rewritten(Interventions interventions) {
        return InterventionJson.parse(InterventionJson.write(interventions));
    }

    @Test
    void meansAndPatchesComeFromAStoreOfShards(@TempDir Path folder) {
        Corpus corpus = CorpusDumpTest.corpus(5, 3);
        int[][] tokens = new int[5][];
        List<Document> documents = corpus.documents().toList();
        for (int d = 0; d < 5; d++) {
            tokens[d] = documents.get(d).tokens();
        }
        CorpusDumpTest.write(CorpusDumpTest.DUMP, corpus, folder, DumpFolder.IfExists.REFUSE);
        HookPoint point = CorpusDumpTest.DUMP.points().getFirst();
        try (Gpt2 model = Models.small()) {
            Prompts prompts = Prompts.of(Models.CONFIG, tokens);
            ActivationSource cache =
                    ActivationCache.record(model, prompts, Capture.of(point)).source();
            ActivationSource store = DumpReader.open(folder);
            Target target = Target.of(point);
            for (Intervention[] same : List.of(
                    new Intervention[] {Intervention.patch(target, cache), Intervention.patch(target, store)},
                    new Intervention[] {
                        Intervention.mean(target, Means.overall(cache)), Intervention.mean(target, Means.overall(store))
                    })) {
                Interventions stored = Interventions.of(same[1]);
                LogitSelection last = LogitSelection.last();
                float[] expected = EditedModel.of(model, Interventions.of(same[0]))
                        .forward(prompts, last)
                        .logits();
                assertThat(EditedModel.of(model, stored).forward(prompts, last).logits())
                        .isEqualTo(expected);
                assertThat(EditedModel.of(model, rewritten(stored))
                                .forward(prompts, last)
                                .logits())
                        .isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[] | the document must be a JSON object, found []",
                "{ | interventions: expected valid JSON, found the end of the text",
                "{\"format\":\"x\"} | interventions are in format \"hyaline-interventions/1\", found \"x\"",
                "{\"format\":\"hyaline-interventions/1\"} | the document needs \"interventions\", an array",
                "{\"do\":\"zero\"} | intervention 0 needs \"site\", a string",
                "{\"site\":\"z\"} | intervention 0 needs \"do\", a string",
                "{\"do\":\"wipe\",\"site\":\"z\"} | \"do\": expected one of [zero, mean, resample, patch, set, add,"
                        + " scale, project_out, swap_heads, noise], found \"wipe\"",
                "{\"do\":\"zero\",\"site\":\"zz\"} | intervention 0, \"site\": unknown hook point zz; did you mean z?",
                "{\"do\":\"zero\",\"site\":\"z\",\"head\":1} | intervention 0 has \"head\", which means nothing there",
                "{\"do\":\"zero\",\"site\":\"z\",\"heads\":\"1-\"} | intervention 0, \"heads\": '1-' is not a"
                        + " selection",
                "{\"do\":\"zero\",\"site\":\"z\",\"heads\":[1.5]} | intervention 0, \"heads\": expected indices such as"
                        + " \"0,3-5,-1\", found [1.5]",
                "{\"do\":\"zero\",\"site\":\"blocks.1.attn.hook_z\",\"layers\":2} | expected absent where the site's"
                        + " name has a layer, found 2",
                "{\"do\":\"scale\",\"site\":\"z\"} | intervention 0 needs \"factor\", a number",
                "{\"do\":\"scale\",\"site\":\"z\",\"factor\":\"2\"} | intervention 0, \"factor\": expected a number,"
                        + " found \"2\"",
                "{\"do\":\"set\",\"site\":\"z\",\"value\":[]} | intervention 0, \"value\": a vector needs at least one"
                        + " value, found none",
                "{\"do\":\"set\",\"site\":\"z\",\"value\":[1,null]} | intervention 0, \"value\": expected numbers,"
                        + " found null",
                "{\"do\":\"noise\",\"site\":\"z\",\"deviation\":1} | intervention 0 needs \"seed\", a whole number",
                "{\"do\":\"noise\",\"site\":\"z\",\"deviation\":-1,\"seed\":1} | the standard deviation of noise must"
                        + " be a finite number of at least 0, found -1.0",
                "{\"do\":\"patch\",\"site\":\"z\",\"source\":\"clean\"} | expected a dump ({\"dump\": \"folder\"})"
                        + " or values, as no run has a name here (InterventionJson.read takes runs by name), found"
                        + " \"clean\"",
                "{\"do\":\"zero\",\"site\":\"resid_*\"} | 'resid_*' is a glob, where one site is to be named",
                "{\"do\":\"patch\",\"site\":\"z\",\"source\":{\"dump\":\"/nowhere\"}} | cannot read"
                        + " /nowhere/manifest.json: no such file or folder",
                "{\"do\":\"set\",\"site\":\"z\",\"value\":{\"file\":\"/nowhere\",\"tensor\":\"v\"}} | cannot read"
                        + " /nowhere: no such file or folder",
                "{\"do\":\"project_out\",\"site\":\"z\",\"directions\":[]} | projecting out needs at least one"
                        + " direction, found none",
                "{\"do\":\"zero\",\"site\":\"z\",\"components\":1,\"subspace\":[[1]]} | expected absent where"
                        + " components are chosen, found both"
            })
    void whatIsWrongIsNamed(String text, String message) {
        String document = text.startsWith("{\"do\"") || text.startsWith("{\"site\"") ? json(text) : text;
        assertThatThrownBy(() -> InterventionJson.parse(document))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining(message)
                .message()
                .doesNotContain("Source:");
    }

    @Test
    void aDamagedFileOfVectorsIsNamed(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("v.safetensors");
        for (String content : List.of(
                "",
                "\u0005\0\0\0\0\0\0\0{",
                "\u0002\0\0\0\0\0\0\0[}",
                "@\0\0\0\0\0\0\0{\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}          ",
                "@\0\0\0\0\0\0\0{\"v\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}        "
                        + " 12345678",
                "@\0\0\0\0\0\0\0{\"v\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}}         "
                        + " 12345678",
                "@\0\0\0\0\0\0\0{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}         "
                        + " 12345678")) {
            Files.writeString(file, content);
            assertThatThrownBy(() -> Direction.read(file, "v", 0))
                    .as(content)
                    .isInstanceOf(HyalineException.class)
                    .hasMessageContaining("v.safetensors");
        }
        Files.writeString(
                file,
                "@\0\0\0\0\0\0\0{\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}         "
                        + " 12345678");
        assertThat(Direction.read(file, "v", 0).length()).isEqualTo(2);
        assertThatThrownBy(() -> Direction.read(file, "v", 1))
                .hasMessageContaining("tensor v: expected values 2 to 3, found 2 values");
    }
}
