/** Parquet and zstd, as {@link dev.hyaline.instrument.dump.CorpusFiles} reads them. */
package dev.hyaline.corpora;
