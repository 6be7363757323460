using Microsoft.AspNetCore.Builder;

namespace QuorumMesh.ServiceDefaults;

/// <summary>The web host that every service begins with.</summary>
public static class ServiceHost
{
    /// <summary>
    /// ASP.NET's slim builder without its watch over files: it would put a watch of the kernel on every directory below the
    /// working directory, a chain's included, and the services have settings of their own. What it reads is beside the program,
    /// not in whatever directory it is started from.
    /// </summary>
    public static WebApplicationBuilder CreateBuilder() => WebApplication.CreateSlimBuilder(new WebApplicationOptions
    {
        Args = ["--hostBuilder:reloadConfigOnChange=false"],
        ContentRootPath = AppContext.BaseDirectory,
    });
}
