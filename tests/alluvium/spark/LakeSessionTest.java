package alluvium.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.tables.DataException;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

class LakeSessionTest {
  private final SparkSession spark = TestSession.spark();

  @Test
  void aRunningSessionIsJoinedAndItsOwnSettingsStay() {
    spark.conf().set("spark.sql.shuffle.partitions", "5");
    spark.conf().unset("spark.sql.session.timeZone");
    spark.conf().unset("spark.databricks.delta.snapshotPartitions");
    try {
      SparkSession joined = LakeSession.open("another", 3, Map.of("spark.sql.session.timeZone", "Asia/Tokyo",
          "spark.sql.shuffle.partitions", "4"));
      assertThat(joined).isSameAs(spark);
      assertThat(joined.conf().get("spark.sql.shuffle.partitions")).isEqualTo("5");
      assertThat(joined.conf().get("spark.sql.session.timeZone")).isEqualTo("Asia/Tokyo");
      assertThat(joined.conf().get("spark.databricks.delta.snapshotPartitions")).isEqualTo("1");
      assertThat(joined.conf().get("spark.sql.adaptive.enabled")).isEqualTo("false");
    } finally {
      spark.conf().unset("spark.sql.session.timeZone");
      spark.conf().set("spark.sql.shuffle.partitions", "2");
    }
  }

  @Test
  void aSessionWithoutDeltaIsRefused() {
    assertThatThrownBy(() -> LakeSession.requireDelta("org.example.Extension")).isInstanceOf(DataException.class)
        .hasMessage("the Spark session was started without Delta: set spark.sql.extensions="
            + "io.delta.sql.DeltaSparkSessionExtension and spark.sql.catalog.spark_catalog="
            + "org.apache.spark.sql.delta.catalog.DeltaCatalog before it starts");
    assertThatCode(() -> LakeSession.requireDelta("org.example.Extension,io.delta.sql.DeltaSparkSessionExtension"))
        .doesNotThrowAnyException();
  }
}
