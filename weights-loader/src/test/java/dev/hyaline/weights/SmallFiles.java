package dev.hyaline.weights;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Files that are small and would cost a careless reader much: they name the same bytes again and again, choose names of
 * one hash code, or list nothing at length.
 */
enum SmallFiles {
    TENSORFLOW_KEYS_THAT_SHARE_THEIR_BEGINNINGS("model.ckpt.index") {
        @Override
        byte[] make() {
            ByteArrayOutputStream data = new ByteArrayOutputStream();
            SortedTableBuilder.pair(data, 0, "", new byte[] {8, 1});
            SortedTableBuilder.pair(data, 0, "model/h1" + "0".repeat(480), new byte[0]);
            for (int i = 0; i < 40_000; i++) {
                SortedTableBuilder.pair(data, 488, "" + (char) (i >> 8) + (char) (i & 0xFF) + "x", new byte[0]);
            }
            return table(SortedTableBuilder.closed(data));
        }
    },
    TENSORFLOW_TENSORS_OF_THE_SAME_BYTES("model.ckpt.index") {
        @Override
        byte[] make() {
            ByteArrayOutputStream data = new ByteArrayOutputStream();
            SortedTableBuilder.pair(data, 0, "", new byte[] {8, 1});
            // Type float, shape [256], 1024 bytes at 0, and their checksum.
            byte[] entry = ByteBuffer.allocate(17)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .put(new byte[] {8, 1, 0x12, 5, 0x12, 3, 8, (byte) 0x80, 2, 0x28, (byte) 0x80, 8, 0x35})
                    .putInt(SortedTableBuilder.checksum(dataOfTensorFlow()))
                    .array();
            IntStream.range(0, 20_000)
                    .mapToObj(layer -> "model/h" + layer + "/ln_1/g")
                    .sorted()
                    .forEach(name -> SortedTableBuilder.pair(data, 0, name, entry));
            return table(SortedTableBuilder.closed(data));
        }
    },
    HEADS_THAT_ARE_VIEWS_OF_ONE_STORAGE("model.pt") {
        @Override
        byte[] make() {
            Pickle pickle = new Pickle().start().storage("0", 8192);
            pickle.tensor(new long[] {2, 1}, 1, 1).remember(1);
            pickle.tensor(new long[] {4096, 1, 1}, 1, 1, 1).remember(2);
            pickle.dictionary().item("embed.W_E", 1);
            for (int layer = 0; layer < 5_000; layer++) {
                pickle.item("blocks." + layer + ".attn.W_Q", 2);
            }
            return zip("a", pickle.end(), new byte[16_384]);
        }
    },
    HEADS_OF_TWO_BYTES("model.pt") {
        @Override
        byte[] make() {
            Pickle pickle = new Pickle().start().storage("0", 8192);
            pickle.tensor(new long[] {4096, 1, 1}, 1, 1, 1).remember(2);
            pickle.dictionary().item("embed.W_E", 2).item("blocks.0.attn.W_Q", 2);
            return zip("a", pickle.end(), new byte[16_384]);
        }
    },
    MANY_NAMES_OF_ONE_TENSOR("model.pt") {
        @Override
        byte[] make() {
            long[] ones = IntStream.range(0, 64).mapToLong(i -> 1).toArray();
            return zip("a", names(new Pickle().start().storage("0", 1), ones, 40_000), new byte[2]);
        }
    },
    ONE_TENSOR_IN_A_FOLDER_OF_A_LONG_NAME("model.pt") {
        @Override
        byte[] make() {
            byte[] pickle = names(new Pickle().start().storage("0", 1), new long[] {1}, 20_000);
            return zip("f".repeat(60_000), pickle, new byte[2]);
        }
    },
    TEXT_KEYS_OF_ONE_HASH_CODE("model.pt") {
        @Override
        byte[] make() {
            Pickle pickle = new Pickle()
                    .start()
                    .storage("0", 1)
                    .tensor(new long[] {1}, 1)
                    .remember(1)
                    .dictionary();
            for (int i = 0; i < 1 << 15; i++) {
                pickle.item(colliding(i), 1);
            }
            return zip("a", pickle.end(), new byte[2]);
        }
    },
    NUMBERS_OF_ONE_HASH_CODE("model.pt") {
        @Override
        byte[] make() {
            Pickle pickle = new Pickle().start().dictionary();
            for (int i = 1; i < 1 << 16; i++) {
                pickle.numbers((long) i << Integer.SIZE | (i ^ 0x5555L));
            }
            return zip("a", pickle.end(), new byte[2]);
        }
    },
    LISTS_INSIDE_EACH_OTHER("model.pt") {
        @Override
        byte[] make() {
            String pickle = "\u0080\u0002}X\u0005\0\0\0model" + "]".repeat(200_000) + "a".repeat(199_999) + "s.";
            return zip("a", pickle.getBytes(ISO_8859_1), new byte[2]);
        }
    },
    A_LIST_INSIDE_ITSELF("model.pt") {
        @Override
        byte[] make() {
            String pickle = "\u0080\u0002}X\u0005\0\0\0model]q\0h\0as" + "X\u0003\0\0\0two}q\1X\1\0\0\0ah\1ss.";
            return zip("a", pickle.getBytes(ISO_8859_1), new byte[2]);
        }
    },
    LEGACY_STORAGES_WITHOUT_ELEMENTS("pytorch_model.bin") {
        @Override
        byte[] make() {
            int storages = 1 << 13;
            Pickle root = new Pickle().start().dictionary();
            for (int i = 0; i < storages; i++) {
                root.emptyTensor("t" + i, colliding(i));
            }
            ByteArrayOutputStream file = new ByteArrayOutputStream();
            file.writeBytes("\u0080\u0002\u008A\nl\u00FC\u009CF\u00F9 j\u00A8P\u0019.\u0080\u0002M\u00E9\u0003."
                    .getBytes(ISO_8859_1));
            file.writeBytes("\u0080\u0002}X\r\0\0\0little_endian\u0088s.".getBytes(ISO_8859_1));
            file.writeBytes(root.end());
            Pickle keys = new Pickle().start();
            keys.raw("](");
            for (int i = 0; i < storages; i++) {
                keys.text(colliding(i));
            }
            keys.raw("e.");
            file.writeBytes(keys.bytes());
            file.writeBytes(new byte[Long.BYTES * storages]);
            return file.toByteArray();
        }
    },
    GGUF_LISTS_OF_TRUTH_VALUES("model.gguf") {
        @Override
        byte[] make() {
            return gguf(0, 1, 500_000, file -> {
                text(file, "a");
                file.putInt(9).putInt(7).putLong(490_000);
            });
        }
    },
    GGUF_LISTS_OF_EMPTY_TEXTS("model.gguf") {
        @Override
        byte[] make() {
            return gguf(0, 1, 400_000, file -> {
                text(file, "a");
                file.putInt(9).putInt(8).putLong(49_000);
            });
        }
    },
    GGUF_TENSORS_WITHOUT_ELEMENTS("model.gguf") {
        @Override
        byte[] make() {
            int tensors = 8_000;
            return gguf(tensors, 0, 62 * tensors + 64, file -> {
                for (int i = 0; i < tensors; i++) {
                    text(file, String.valueOf(10_000 + i));
                    file.putInt(4)
                            .putLong(0)
                            .putLong(1L << 60)
                            .putLong(0)
                            .putLong(1)
                            .putInt(0)
                            .putLong(0);
                }
            });
        }
    },
    GGUF_COUNTS_OF_WHAT_IS_NOT_THERE("model.gguf") {
        @Override
        byte[] make() {
            return gguf(1L << 60, 1L << 60, 1000, file -> {});
        }
    },
    SAFETENSORS_OF_EMPTY_TENSORS("model.safetensors") {
        @Override
        byte[] make() {
            return SafetensorsBuilder.file(list(
                    "{",
                    20_000,
                    i -> '"' + colliding(i) + "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
                    "}"));
        }
    },
    SAFETENSORS_OF_MUCH_METADATA("model.safetensors") {
        @Override
        byte[] make() {
            return SafetensorsBuilder.file(
                    list("{\"__metadata__\":{", 40_000, i -> '"' + colliding(i) + "\":\"\"", "}}"));
        }
    },
    SAFETENSORS_WITH_JSON_INSIDE_JSON("model.safetensors") {
        @Override
        byte[] make() {
            return SafetensorsBuilder.file("{\"a\":{\"b\":" + "[".repeat(1_000_000) + "}}");
        }
    },
    SAFETENSORS_OF_MANY_DIMENSIONS("model.safetensors") {
        @Override
        byte[] make() {
            return SafetensorsBuilder.file(list(
                    "{",
                    4_000,
                    i -> "\"" + i + "\":{\"dtype\":\"F32\",\"shape\":[" + "0,".repeat(63)
                            + "0],\"data_offsets\":[0,0]}",
                    "}"));
        }
    },
    INDEX_OF_MANY_TENSORS("pytorch_model.bin.index.json") {
        @Override
        byte[] make() {
            return list(
                            "{\"weight_map\":{",
                            20_000,
                            i -> '"' + colliding(i) + "\":\"pytorch_model-00001-of-00002.bin\"",
                            "}}")
                    .getBytes(UTF_8);
        }
    },
    INDEX_OF_A_SHARD_OF_A_LONG_NAME("pytorch_model.bin.index.json") {
        @Override
        byte[] make() {
            return ("{\"weight_map\":{\"a\":\"" + "x".repeat(500_000) + ".bin\"}}").getBytes(UTF_8);
        }
    },
    CONFIGURATION_WITH_JSON_INSIDE_JSON("config.json") {
        @Override
        byte[] make() {
            return ("{\"n_layer\":" + "{\"a\":".repeat(180_000)).getBytes(UTF_8);
        }
    },
    CONFIGURATION_OF_MANY_KEYS("config.json") {
        @Override
        byte[] make() {
            return list("{", 20_000, i -> '"' + colliding(i) + "\":[[],{}]", "}")
                    .getBytes(UTF_8);
        }
    },
    CONFIGURATION_OF_A_LONG_NUMBER("config.json") {
        @Override
        byte[] make() {
            return ("{\"n_layer\":" + "9".repeat(500_000) + "}").getBytes(UTF_8);
        }
    },
    TOKENIZER_OF_TOKENS_OF_ONE_HASH_CODE("tokenizer.json") {
        @Override
        byte[] make() {
            TinyTokenizer tokenizer = new TinyTokenizer();
            for (int i = 0; i < 20_000; i++) {
                tokenizer.vocabulary.put(colliding(i), 1000 + i);
            }
            tokenizer.modelOptions += ", \"ignore_merges\": true";
            return tokenizer.json().getBytes(UTF_8);
        }
    },
    TOKENIZER_OF_A_TEMPLATE_THAT_REPEATS_ITSELF("tokenizer.json") {
        @Override
        byte[] make() {
            String ids = "0,".repeat(30_000) + "0";
            String pieces = "{\"SpecialToken\":{\"id\":\"a\"}},".repeat(10_000);
            return new TinyTokenizer()
                    .json()
                    .replace(
                            "\"post_processor\": null",
                            "\"post_processor\": {\"type\":\"TemplateProcessing\",\"single\":["
                                    + pieces + "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"a\":{\"ids\":["
                                    + ids + "]}}}")
                    .getBytes(UTF_8);
        }
    },
    TOKENIZER_OF_ADDED_TOKENS_THAT_BEGIN_EACH_OTHER("tokenizer.json") {
        @Override
        byte[] make() {
            TinyTokenizer tokenizer = new TinyTokenizer();
            tokenizer.addedTokens = IntStream.rangeClosed(1, 500)
                    .mapToObj(length -> TinyTokenizer.plain(300 + length, "t".repeat(length)))
                    .collect(Collectors.joining(","));
            return tokenizer.json().getBytes(UTF_8);
        }
    },
    TOKENIZER_OF_MERGES_OF_LONG_TOKENS("tokenizer.json") {
        @Override
        byte[] make() {
            TinyTokenizer tokenizer = new TinyTokenizer();
            String half = "a".repeat(60_000);
            tokenizer.vocabulary.put(half, 1000);
            tokenizer.vocabulary.put(half + "a", 1001);
            tokenizer.merges.add(half + " a");
            tokenizer.merges.addAll(
                    IntStream.range(0, 20_000).mapToObj(i -> "a a").toList());
            return tokenizer.json().getBytes(UTF_8);
        }
    },
    TOKENIZER_WITH_A_LONG_REGULAR_EXPRESSION("tokenizer.json") {
        @Override
        byte[] make() {
            TinyTokenizer tokenizer = new TinyTokenizer();
            tokenizer.preTokenizer =
                    "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"" + "(a*)*".repeat(50_000) + "\"}}";
            return tokenizer.json().getBytes(UTF_8);
        }
    },
    VOCABULARY_OF_ONE_HASH_CODE("vocab.json") {
        @Override
        byte[] make() {
            TinyTokenizer tokenizer = new TinyTokenizer();
            for (int i = 0; i < 20_000; i++) {
                tokenizer.vocabulary.put(colliding(i), 1000 + i);
            }
            return tokenizer.vocabularyJson().getBytes(UTF_8);
        }
    },
    VOCABULARY_OF_THE_HIGHEST_ID("vocab.json") {
        @Override
        byte[] make() {
            return "{\"a\": 1048575}".getBytes(UTF_8);
        }
    },
    MERGES_OF_NOTHING("merges.txt") {
        @Override
        byte[] make() {
            return " ".repeat(500_000).getBytes(UTF_8);
        }
    },
    ADDED_TOKENS_OF_ONE_HASH_CODE("added_tokens.json") {
        @Override
        byte[] make() {
            return list("{", 10_000, i -> '"' + colliding(i) + "\":" + (1000 + i), "}")
                    .getBytes(UTF_8);
        }
    },
    SPECIAL_TOKENS_WITHOUT_END("special_tokens_map.json") {
        @Override
        byte[] make() {
            return list("{\"additional_special_tokens\":[", 20_000, i -> '"' + colliding(i) + '"', "]}")
                    .getBytes(UTF_8);
        }
    },
    LLMC_OF_IMPOSSIBLE_SIZES("model.bin") {
        @Override
        byte[] make() {
            ByteBuffer file = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
            file.putInt(20240326).putInt(3).putInt(Integer.MAX_VALUE).putInt(Integer.MAX_VALUE);
            return file.putInt(Integer.MAX_VALUE).putInt(1).putInt(1).array();
        }
    },
    HYPERPARAMETERS_OF_MANY_LAYERS("hparams.json") {
        @Override
        byte[] make() {
            return ("{\"n_vocab\": 2147483647, \"n_ctx\": 2147483647, \"n_embd\": 2147483647, \"n_head\": 2147483647,"
                            + " \"n_layer\": 2147483647}")
                    .getBytes(UTF_8);
        }
    };

    private final String file;

    SmallFiles(String file) {
        this.file = file;
    }

    /** The name that the file is to have. */
    String file() {
        return file;
    }

    abstract byte[] make();

    /** Texts of 17 characters that all have one hash code. */
    static String colliding(int number) {
        StringBuilder text = new StringBuilder();
        for (int bit = 16; bit >= 0; bit--) {
            text.append((number >> bit & 1) == 0 ? "Aa" : "BB");
        }
        return text.toString();
    }

    private static String list(String begin, int count, IntFunction<String> item, String end) {
        return IntStream.range(0, count).mapToObj(item).collect(Collectors.joining(",", begin, end));
    }

    private static byte[] table(byte[] block) {
        SortedTableBuilder table = new SortedTableBuilder();
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        SortedTableBuilder.pair(index, 0, "z", table.block(block, 0));
        return table.closed(SortedTableBuilder.closed(index));
    }

    private static byte[] dataOfTensorFlow() {
        Path data = Path.of("src/test/resources/formats/tensorflow/model.ckpt.data-00000-of-00001");
        try (InputStream in = Files.newInputStream(data)) {
            return in.readNBytes(1024);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] names(Pickle pickle, long[] shape, int count) {
        pickle.tensor(shape, shape).remember(1).dictionary();
        for (int i = 0; i < count; i++) {
            pickle.item(Integer.toString(i, Character.MAX_RADIX), 1);
        }
        return pickle.end();
    }

    private static byte[] zip(String folder, byte[] pickle, byte[] storage) {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        entries.put(folder + "/data.pkl", pickle);
        entries.put(folder + "/data/0", storage);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                ZipEntry header = new ZipEntry(entry.getKey());
                CRC32 crc = new CRC32();
                crc.update(entry.getValue());
                header.setMethod(ZipEntry.STORED);
                header.setSize(entry.getValue().length);
                header.setCrc(crc.getValue());
                zip.putNextEntry(header);
                zip.write(entry.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private interface Fill {
        void into(ByteBuffer file);
    }

    private static byte[] gguf(long tensors, long pairs, int bytes, Fill fill) {
        ByteBuffer file = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
        file.put("GGUF".getBytes(ISO_8859_1)).putInt(3).putLong(tensors).putLong(pairs);
        fill.into(file);
        return file.array();
    }

    private static void text(ByteBuffer file, String text) {
        file.putLong(text.length()).put(text.getBytes(ISO_8859_1));
    }

    /** Writes a pickle of protocol 2, whose storages are of half precision. */
    private static final class Pickle {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Pickle raw(String opcodes) {
            out.writeBytes(opcodes.getBytes(ISO_8859_1));
            return this;
        }

        Pickle start() {
            return raw("\u0080\u0002");
        }

        Pickle text(String text) {
            out.write('X');
            out.writeBytes(ByteBuffer.allocate(Integer.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(text.length())
                    .array());
            return raw(text);
        }

        private Pickle number(long number) {
            out.write(0x8A);
            out.write(Long.BYTES);
            out.writeBytes(ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(number)
                    .array());
            return this;
        }

        /** Remembers a storage as 0. */
        Pickle storage(String key, long elements) {
            return raw("(").text("storage")
                    .raw("ctorch\nHalfStorage\n")
                    .text(key)
                    .text("cpu")
                    .number(elements)
                    .raw("tQq\0000");
        }

        /** A tensor of the storage remembered, on the stack. */
        Pickle tensor(long[] shape, long... strides) {
            raw("ctorch._utils\n_rebuild_tensor_v2\n(h\0K\0(");
            for (long size : shape) {
                number(size);
            }
            raw("t(");
            for (long stride : strides) {
                number(stride);
            }
            return raw("t\u0089NtR");
        }

        Pickle emptyTensor(String name, String key) {
            return text(name)
                    .raw("ctorch._utils\n_rebuild_tensor_v2\n((")
                    .text("storage")
                    .raw("ctorch\nHalfStorage\n")
                    .text(key)
                    .text("cpu")
                    .raw("K\0tQK\0(K\0t(K\1t\u0089NtR");
        }

        /** Remembers what is on the stack, and takes it away. */
        Pickle remember(int index) {
            return raw("q" + (char) index + "0");
        }

        Pickle dictionary() {
            return raw("}(");
        }

        Pickle item(String name, int remembered) {
            out.write('U');
            out.write(name.length());
            return raw(name + "h" + (char) remembered);
        }

        /** A whole number and a float of the same bits as keys. */
        Pickle numbers(long bits) {
            number(bits).raw("NG");
            out.writeBytes(ByteBuffer.allocate(Long.BYTES).putLong(bits).array());
            return raw("N");
        }

        byte[] end() {
            return raw("u.").bytes();
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }

    /** Formats whose other files these files belong to. */
    String folder() {
        return switch (file) {
            case "model.ckpt.index", "hparams.json" -> "tensorflow";
            case "pytorch_model.bin.index.json" -> "torch-sharded";
            default -> "torch-zip";
        };
    }

    /** The file of weights to open; empty if this is a file of a tokenizer. */
    Optional<String> opened() {
        return switch (file) {
            case "hparams.json" -> Optional.of("model.ckpt.index");
            case "config.json" -> Optional.of("pytorch_model.bin");
            case "tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json" ->
                Optional.empty();
            default -> Optional.of(file);
        };
    }
}
