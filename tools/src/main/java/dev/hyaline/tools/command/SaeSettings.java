package dev.hyaline.tools.command;

import dev.hyaline.tools.option.Choice;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;

/** The autoencoders that one run trains: every combination of what was given, once. */
record SaeSettings(List<Setting> all) {
    /** An architecture that can be trained. */
    enum Architecture {
        TOPK,
        BATCHTOPK,
        MATRYOSHKA,
        STANDARD,
        GATED,
        JUMPRELU;

        /** Returns whether its latents are the largest of a token or of a batch. */
        boolean choosesLargest() {
            return this == TOPK || this == BATCHTOPK || this == MATRYOSHKA;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Those architectures. */
    static final class Architectures extends Choice<Architecture> {
        Architectures() {
            super(List.of(Architecture.values()));
        }
    }

    /**
     * What tells one of the autoencoders from another.
     *
     * @param latents 0 for the default
     * @param k 0 unless the architecture chooses the largest
     * @param l1 0 if it does
     */
    record Setting(Architecture architecture, int latents, double k, double l1, double rate) {
        static Setting of(Architecture architecture, int latents, double k, double l1, double rate) {
            boolean largest = architecture.choosesLargest();
            return new Setting(architecture, latents, largest ? k : 0, largest ? 0 : l1, rate);
        }
    }

    /** @param latents empty for the default */
    static SaeSettings of(
            List<Architecture> architectures,
            List<Integer> latents,
            List<Double> ks,
            List<Double> penalties,
            List<Double> rates) {
        Set<Setting> settings = new LinkedHashSet<>();
        for (Architecture architecture : architectures) {
            for (int number : latents.isEmpty() ? List.of(0) : latents) {
                for (double k : ks) {
                    for (double l1 : penalties) {
                        for (double rate : rates) {
                            settings.add(Setting.of(architecture, number, k, l1, rate));
                        }
                    }
                }
            }
        }
        return new SaeSettings(List.copyOf(settings));
    }

    /** What tells a setting from the others, such as {@code topk-k8}; empty if it is the only one. */
    String name(Setting setting) {
        List<String> parts = new ArrayList<>();
        if (all.stream().map(Setting::architecture).distinct().count() > 1) {
            parts.add(setting.architecture().toString());
        }
        if (differs(setting, Setting::latents)) {
            parts.add("latents" + setting.latents());
        }
        if (differs(setting, Setting::k)) {
            parts.add("k" + plain(setting.k()));
        }
        if (differs(setting, Setting::l1)) {
            parts.add("l1-" + plain(setting.l1()));
        }
        if (differs(setting, Setting::rate)) {
            parts.add("rate" + plain(setting.rate()));
        }
        return String.join("-", parts);
    }

    /** Returns whether something differs among the settings of one architecture. */
    private boolean differs(Setting among, Function<Setting, Object> what) {
        return all.stream()
                        .filter(setting -> setting.architecture() == among.architecture())
                        .map(what)
                        .distinct()
                        .count()
                > 1;
    }

    private static String plain(double value) {
        return BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
    }
}
