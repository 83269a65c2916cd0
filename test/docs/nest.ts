import express, { type RequestHandler } from 'express'

/**
 * Stands in for what a recipe uses of `@nestjs/core`, as Nest does it on Express: what is used before `listen` comes first, then the body
 * parser, then the controllers.
 */
export const NestFactory = {
  async create(_module: unknown) {
    const app = express()
    return {
      use: (handler: RequestHandler) => void app.use(handler),
      listen: async (port: number, host: string) => {
        app.use(
          express.json(),
          (request, response) => void response.status(404).json({ message: `Cannot ${request.method} ${request.path}` }),
        )
        return app.listen(port, host)
      },
    }
  },
}
