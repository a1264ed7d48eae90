// Score one image with a bundle's model.onnx: score MODEL IMAGE
//
// For example.png of a bundle it must print the score and the p-value of example.json. Nothing is
// resized or scaled here; the model does it all.

#include <onnxruntime_cxx_api.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: score MODEL IMAGE\n";
    return 2;
  }
  Ort::Env env(ORT_LOGGING_LEVEL_WARNING, "score");
  Ort::Session session(env, argv[1], Ort::SessionOptions{});

  const auto channels =
      session.GetInputTypeInfo(0).GetTensorTypeAndShapeInfo().GetShape().at(1);
  cv::Mat image =
      cv::imread(argv[2], channels == 1 ? cv::IMREAD_GRAYSCALE : cv::IMREAD_COLOR);
  if (image.empty()) {
    std::cerr << argv[2] << " cannot be read\n";
    return 2;
  }
  if (channels == 3) cv::cvtColor(image, image, cv::COLOR_BGR2RGB);

  // Height × width × channels, as OpenCV has it, to channels × height × width.
  const std::array<int64_t, 4> shape{1, channels, image.rows, image.cols};
  std::vector<uint8_t> pixels;
  pixels.reserve(image.total() * channels);
  for (int c = 0; c < channels; ++c)
    for (int y = 0; y < image.rows; ++y)
      for (int x = 0; x < image.cols; ++x)
        pixels.push_back(image.ptr<uint8_t>(y)[x * channels + c]);

  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const auto input = Ort::Value::CreateTensor<uint8_t>(
      memory, pixels.data(), pixels.size(), shape.data(), shape.size());
  const char* given[] = {"images"};
  const char* wanted[] = {"scores", "p_values"};
  const auto found = session.Run(Ort::RunOptions{}, given, &input, 1, wanted, 2);

  std::cout << "score " << found[0].GetTensorData<float>()[0] << ", p-value "
            << found[1].GetTensorData<float>()[0] << "\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
