using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace QuorumMesh.ServiceDefaults.Metrics;

/// <summary>The process figures that Prometheus client libraries give under these names everywhere.</summary>
internal static class ProcessMetrics
{
    public static void Write(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        Line(text, "process_cpu_seconds_total", "counter", process.TotalProcessorTime.TotalSeconds);
        Line(text, "process_resident_memory_bytes", "gauge", process.WorkingSet64);
        Line(text, "process_virtual_memory_bytes", "gauge", process.VirtualMemorySize64);
        Line(text, "process_start_time_seconds", "gauge",
            (process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds);
        Line(text, "dotnet_gc_heap_bytes", "gauge", GC.GetTotalMemory(false));
        Line(text, "dotnet_gc_pause_seconds_total", "counter", GC.GetTotalPauseDuration().TotalSeconds);
        Line(text, "dotnet_threadpool_threads", "gauge", ThreadPool.ThreadCount);
        Line(text, "dotnet_threadpool_queue_length", "gauge", ThreadPool.PendingWorkItemCount);
    }

    private static void Line(StringBuilder text, string name, string kind, double value) =>
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {kind}\n{name} {MetricSeries.Number(value)}\n");
}
