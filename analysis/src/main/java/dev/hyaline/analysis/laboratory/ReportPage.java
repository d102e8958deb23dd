package dev.hyaline.analysis.laboratory;

import java.util.Map;

/** Makes the page of a finished study from its files alone. */
@FunctionalInterface
public interface ReportPage {
    /**
     * The page, one file of HTML.
     *
     * @param files the contents of all files of the study's phases by their paths, such as
     *     {@code 5-analysis/analysis.json} and {@code 7-report/report.json}
     */
    byte[] html(Map<String, byte[]> files);
}
